import type { SpecVersion } from 'cdevents-sdk';
import type { CompiledExpression } from '../../cel/expression.ts';
import { describeField, describeFound } from '../../diagnostics/describe.ts';
import type { Path } from '../../diagnostics/issue.ts';
import type { IssueList } from '../../diagnostics/issue-list.ts';
import { formatPointer } from '../../lib/json-pointer.ts';
import { isCustomType, withDefaults } from '../rules/defaults.ts';
import type { Emit, Template } from '../rules/mapping-model.ts';
import { ContentCheck } from './check-content.ts';
import { checkType } from './check-type.ts';
import type { ExpressionReader } from './expressions.ts';
import { type Fields, isFields } from './fields.ts';

/** How deep maps may be nested in the content of a CDEvent. */
const MAX_LEVELS = 10;

/** Reads the CDEvents of rules, and reports what is wrong with them. */
export class EmitReader {
  private readonly version: SpecVersion;
  private readonly issues: IssueList;
  private readonly expressions: ExpressionReader;
  private readonly compiled = new Map<string, CompiledExpression>();
  private readonly content: ContentCheck;

  constructor(version: SpecVersion, issues: IssueList, expressions: ExpressionReader) {
    this.version = version;
    this.issues = issues;
    this.expressions = expressions;
    this.content = new ContentCheck(issues, (path) => this.compiled.get(formatPointer(path)));
  }

  /** @returns a value that is of use only when nothing was reported */
  read(emit: Fields, path: Path): Emit {
    const { type, subject, content, customData, incident } = emit;
    const at = (field: string) => [...path, field];
    const known = type !== undefined && checkType(type, at('type'), this.version, this.issues);
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
      this.issues.key([...path, 'customData', 'flux'], 'another name, because flux is the Flux event itself', 'flux');
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
      this.issues.missing([...path, 'cause'], 'the name of a cause, such as failure');
    } else if (type === 'incident.resolved') {
      if ('oncePer' in incident) {
        this.issues.key([...path, 'oncePer'], 'it on incident.detected only', 'it on incident.resolved');
      }
    } else {
      const found = typeof type === 'string' ? `it on ${describeField(type)}` : 'it elsewhere';
      this.issues.key(path, 'it on incident.detected and incident.resolved only', found);
    }
  }

  private readMap(value: unknown, path: Path, level = 1): Template {
    if (!isFields(value)) {
      this.issues.value(path, 'a map of CEL expressions', describeFound(value));
      return {};
    }
    if (level > MAX_LEVELS) {
      this.issues.value(path, `at most ${MAX_LEVELS} levels`, 'one more');
      return {};
    }
    const entries = Object.entries(value).flatMap(([name, member]): (readonly [string, Template[string]])[] => {
      const place = [...path, name];
      if (name in Object.prototype) {
        this.issues.key(place, 'another name: JavaScript has its own use for this one', describeField(name));
        return [];
      }
      if (isFields(member)) return [[name, this.readMap(member, place, level + 1)]];
      const expression = this.expressions.read(member, place, 'value');
      if (!expression) return [];
      this.compiled.set(formatPointer(place), expression);
      return [[name, expression.text]];
    });
    return Object.fromEntries(entries);
  }
}
