import type { SpecVersion } from 'cdevents-sdk';
import type { CompiledExpression } from '../../cel/expression.ts';
import { describeFound } from '../../diagnostics/issues.ts';
import { isCustomType, withDefaults } from '../rules/defaults.ts';
import type { Emit, Template } from '../rules/mapping-model.ts';
import { ContentCheck } from './check-content.ts';
import { checkType } from './check-type.ts';
import type { Expressions } from './expressions.ts';
import { type Fields, isFields } from './fields.ts';
import { describeField, type Findings } from './findings.ts';
import { type Path, pointerOf } from './locate.ts';

/** So deep may maps stand in the content of a CDEvent. */
const MAX_LEVELS = 10;

/** Reads the CDEvents of rules; whatever is wrong goes to the findings. */
export class EmitReader {
  private readonly version: SpecVersion;
  private readonly findings: Findings;
  private readonly expressions: Expressions;
  private readonly compiled = new Map<string, CompiledExpression>();
  private readonly content: ContentCheck;

  constructor(version: SpecVersion, findings: Findings, expressions: Expressions) {
    this.version = version;
    this.findings = findings;
    this.expressions = expressions;
    this.content = new ContentCheck(findings, (path) => this.compiled.get(pointerOf(path)));
  }

  /** @returns of use only when nothing was found */
  read(emit: Fields, path: Path): Emit {
    const { type, subject, content, customData, incident } = emit;
    const at = (field: string) => [...path, field];
    const known = type !== undefined && checkType(type, at('type'), this.version, this.findings);
    const read: Emit = {
      type: String(type),
      ...(isFields(subject) && { subject: this.readSubject(subject, at('subject')) }),
      ...('content' in emit && { content: this.readMap(content, at('content')) }),
      ...('customData' in emit && { customData: this.readMap(customData, at('customData')) }),
      ...(isFields(incident) && { incident: this.readIncident(incident, at('incident')) }),
    };
    if (known && !isCustomType(type)) {
      if (isFields(content)) this.content.check(type, this.version, content, at('content'));
      if (content === undefined) {
        const { content: ofType } = withDefaults({ type }, this.version);
        this.content.checkDefaults(type, this.version, ofType, at('content'));
      }
    }
    if (isFields(customData) && Object.hasOwn(customData, 'flux')) {
      this.findings.key([...path, 'customData', 'flux'], 'another name: the Flux event itself stands there', 'flux');
    }
    if (isFields(incident)) this.checkIncident(type, incident, at('incident'));
    return read;
  }

  private readSubject(subject: Fields, path: Path): NonNullable<Emit['subject']> {
    const text = (field: 'id' | 'source') => {
      const expression = field in subject && this.expressions.read(subject[field], [...path, field], 'text');
      return expression ? { [field]: expression.text } : {};
    };
    return { ...text('id'), ...text('source') };
  }

  private readIncident({ cause, oncePer }: Fields, path: Path): NonNullable<Emit['incident']> {
    const once = oncePer === undefined ? undefined : this.expressions.read(oncePer, [...path, 'oncePer'], 'value');
    return { ...(typeof cause === 'string' && { cause }), ...(once && { oncePer: once.text }) };
  }

  private checkIncident(type: unknown, incident: Fields, path: Path): void {
    if (type === 'incident.detected') {
      if ('cause' in incident) return;
      this.findings.value([...path, 'cause'], 'the name of a cause, such as failure', 'nothing');
    } else if (type === 'incident.resolved') {
      if ('oncePer' in incident) {
        this.findings.key([...path, 'oncePer'], 'it on incident.detected only', 'it on incident.resolved');
      }
    } else {
      const found = typeof type === 'string' ? `it on ${describeField(type)}` : 'it elsewhere';
      this.findings.key(path, 'it on incident.detected and incident.resolved only', found);
    }
  }

  private readMap(value: unknown, path: Path, level = 1): Template {
    if (!isFields(value)) {
      this.findings.value(path, 'a map of CEL expressions', describeFound(value));
      return {};
    }
    if (level > MAX_LEVELS) {
      this.findings.value(path, `at most ${MAX_LEVELS} levels`, 'one more');
      return {};
    }
    const entries = Object.entries(value).flatMap(([name, member]): (readonly [string, Template[string]])[] => {
      const place = [...path, name];
      if (name in Object.prototype) {
        this.findings.key(place, 'another name: JavaScript has its own use for this one', describeField(name));
        return [];
      }
      if (isFields(member)) return [[name, this.readMap(member, place, level + 1)]];
      const expression = this.expressions.read(member, place, 'value');
      if (!expression) return [];
      this.compiled.set(pointerOf(place), expression);
      return [[name, expression.text]];
    });
    return Object.fromEntries(entries);
  }
}
