import type { SpecVersion } from 'cdevents-sdk';
import type { Rule } from '../rules/mapping-model.ts';
import { isHiddenBy } from '../rules/reach.ts';
import { Expressions } from './expressions.ts';
import { isFields } from './fields.ts';
import type { Findings } from './findings.ts';
import type { LocatedDocument, Path } from './locate.ts';
import { EmitReader } from './read-emit.ts';

/** A rule whose match could be read, and its place. */
type Placed = Pick<Rule, 'match' | 'optional'> & { readonly index: number };

/** Reads the rules of a mapping; whatever is wrong goes to the findings. */
export class RulesReader {
  private readonly findings: Findings;
  private readonly expressions: Expressions;
  private readonly emits: EmitReader;

  constructor(document: LocatedDocument, findings: Findings, version: SpecVersion) {
    this.findings = findings;
    this.expressions = new Expressions(document, findings);
    this.emits = new EmitReader(version, findings, this.expressions);
  }

  /** Those that are maps, as far as they can be read. */
  read(rules: unknown, enabled: ReadonlySet<unknown>): Rule[] {
    const names = new Map<unknown, number>();
    const placed: Placed[] = [];
    const read: Rule[] = [];
    for (const [index, rule] of (Array.isArray(rules) ? rules : []).entries()) {
      if (!isFields(rule)) continue;
      const path = ['rules', index];
      this.checkName(rule.name, path, index, names);
      const match = 'match' in rule ? this.expressions.read(rule.match, [...path, 'match'], 'bool') : undefined;
      const optional = typeof rule.optional === 'string' ? { optional: rule.optional } : {};
      if (match) this.checkReach({ match: match.text, ...optional, index }, placed, enabled);
      read.push({
        name: String(rule.name),
        ...optional,
        match: match?.text ?? '',
        emit: this.readEmits(rule.emit, [...path, 'emit']),
      });
    }
    return read;
  }

  private checkName(name: unknown, path: Path, index: number, names: Map<unknown, number>): void {
    if (typeof name !== 'string') return;
    const first = names.get(name);
    if (first === undefined) {
      names.set(name, index);
      return;
    }
    const line = this.findings.lineOf(['rules', first, 'name']);
    this.findings.value([...path, 'name'], 'a name that no other rule has', `that of rules[${first}] on line ${line}`);
  }

  /** A rule that asks what an earlier one asked never gets its turn. */
  private checkReach(rule: Placed, placed: Placed[], enabled: ReadonlySet<unknown>): void {
    const before = placed.find((earlier) => isHiddenBy(rule, earlier, enabled));
    if (before) {
      const line = this.findings.lineOf(['rules', before.index, 'match']);
      const found = `that of rules[${before.index}] on line ${line}, which matches first`;
      this.findings.value(['rules', rule.index, 'match'], 'an expression that no earlier rule has', found);
    }
    placed.push(rule);
  }

  private readEmits(emits: unknown, path: Path): Rule['emit'] {
    const types = new Map<unknown, number>();
    return (Array.isArray(emits) ? emits : []).flatMap((emit: unknown, index) => {
      if (!isFields(emit)) return [];
      const first = types.get(emit.type);
      if (first === undefined) types.set(emit.type, index);
      else if (typeof emit.type === 'string') {
        const line = this.findings.lineOf([...path, first, 'type']);
        const expected = 'another type than the CDEvents before it: a Flux event gives one of a type';
        this.findings.value([...path, index, 'type'], expected, `that of emit[${first}] on line ${line}`);
      }
      return [this.emits.read(emit, [...path, index])];
    });
  }
}
