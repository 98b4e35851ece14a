import type { SpecVersion } from 'cdevents-sdk';
import type { Path } from '../../diagnostics/issue.ts';
import type { IssueList } from '../../diagnostics/issue-list.ts';
import type { LocatedDocument } from '../../diagnostics/yaml-places.ts';
import type { Rule } from '../rules/mapping-model.ts';
import { isHiddenBy } from '../rules/reach.ts';
import { ExpressionReader } from './expressions.ts';
import { isFields } from './fields.ts';
import { EmitReader } from './read-emit.ts';

/** A rule whose match could be read, and its index. */
type PlacedRule = Pick<Rule, 'match' | 'optional'> & { readonly index: number };

/** Reads the rules of a mapping, and reports what is wrong with them. */
export class RulesReader {
  private readonly issues: IssueList;
  private readonly expressions: ExpressionReader;
  private readonly emits: EmitReader;

  constructor(document: LocatedDocument, issues: IssueList, version: SpecVersion) {
    this.issues = issues;
    this.expressions = new ExpressionReader(document, issues);
    this.emits = new EmitReader(version, issues, this.expressions);
  }

  /** The rules that are maps, as far as they can be read. */
  read(rules: unknown, enabled: ReadonlySet<unknown>): Rule[] {
    const names = new Map<unknown, number>();
    const placed: PlacedRule[] = [];
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
    const line = this.issues.lineOf(['rules', first, 'name']);
    const found = `that of rules[${first}] on line ${line}`;
    this.issues.value([...path, 'name'], 'a name that no other rule has', found, 'duplicate');
  }

  /** Reports a rule that can never match, since an earlier rule has the same condition. */
  private checkReach(rule: PlacedRule, placed: PlacedRule[], enabled: ReadonlySet<unknown>): void {
    const before = placed.find((earlier) => isHiddenBy(rule, earlier, enabled));
    if (before) {
      const line = this.issues.lineOf(['rules', before.index, 'match']);
      const found = `that of rules[${before.index}] on line ${line}, which matches first`;
      this.issues.value(['rules', rule.index, 'match'], 'an expression that no earlier rule has', found, 'no-effect');
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
        const line = this.issues.lineOf([...path, first, 'type']);
        const expected = 'a type that no CDEvent before it has, because a Flux event makes at most one of each type';
        this.issues.value([...path, index, 'type'], expected, `that of emit[${first}] on line ${line}`, 'duplicate');
      }
      return [this.emits.read(emit, [...path, index])];
    });
  }
}
