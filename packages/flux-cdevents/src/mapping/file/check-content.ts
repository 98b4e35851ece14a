import { type ContentField, contentFields, fullSpecVersions, type SpecVersion } from 'cdevents-sdk';
import type { CompiledExpression } from '../../cel/expression.ts';
import { describeField } from '../../diagnostics/describe.ts';
import type { Path } from '../../diagnostics/issue.ts';
import type { IssueList } from '../../diagnostics/issue-list.ts';
import { didYouMean, listed, meantWord, suggest } from '../../diagnostics/words.ts';
import { expressions } from '../variables-schema.ts';
import { versionsWith } from './check-type.ts';
import type { Fields } from './fields.ts';

/** A part of a CDEvent's content, with its fields in every spec version. */
interface Part {
  /** `testcaserun.finished`, `testCase of testcaserun.finished`. */
  readonly name: string;
  readonly version: SpecVersion;
  readonly fieldsIn: (version: SpecVersion) => readonly ContentField[] | undefined;
}

/** Fields that have another name in other spec versions. */
const OTHER_SPELLINGS: Readonly<Record<string, string>> = { url: 'uri', uri: 'url' };

/** Checks the content of a rule against the fields that its event type has in a spec version. */
export class ContentCheck {
  private readonly issues: IssueList;
  private readonly expressionAt: (path: Path) => CompiledExpression | undefined;

  constructor(issues: IssueList, expressionAt: (path: Path) => CompiledExpression | undefined) {
    this.issues = issues;
    this.expressionAt = expressionAt;
  }

  check(type: string, version: SpecVersion, content: Fields, path: Path): void {
    this.checkPart({ name: type, version, fieldsIn: (other) => contentFields(type, other) }, content, path);
  }

  /** Checks whether the default content of the type is enough, for a rule without content. */
  checkDefaults(type: string, version: SpecVersion, defaults: Fields, path: Path): void {
    const missing = (contentFields(type, version) ?? []).filter(
      ({ name, required }) => required && !Object.hasOwn(defaults, name),
    );
    if (missing.length === 0) return;
    const names = listed(
      missing.map(({ name }) => name),
      'and',
    );
    this.issues.missing(path, `a map with ${names} (${describeEvent(type, version)} must have it)`);
  }

  private checkPart(part: Part, content: Fields, path: Path): void {
    const fields = part.fieldsIn(part.version);
    if (!fields) return;
    for (const [name, value] of Object.entries(content)) {
      const field = fields.find((known) => known.name === name);
      if (field) this.checkField(part, field, value, [...path, name]);
      else this.unknownField(part, fields, name, [...path, name]);
    }
    const names = fields.map(({ name }) => name);
    const meant = new Set(Object.keys(content).map((name) => (names.includes(name) ? name : meantWord(name, names))));
    for (const { name, required } of fields) {
      if (!required || meant.has(name)) continue;
      this.issues.missing([...path, name], `a value (${nameOf(part)} must have it)`);
    }
  }

  private unknownField(part: Part, fields: readonly ContentField[], name: string, path: Path): void {
    const names = fields.map((field) => field.name);
    const elsewhere = versionsWith((version) => part.fieldsIn(version)?.some((field) => field.name === name) === true);
    const other = OTHER_SPELLINGS[name] ?? '';
    const hint = names.includes(other) ? suggest(other) : didYouMean(name, names);
    const expected =
      names.length === 0 ? `no content of ${nameOf(part)}` : `a field of ${nameOf(part)}: ${listed(names)}${hint}`;
    this.issues.key(path, expected, elsewhere === '' ? describeField(name) : `${name}, which it has ${elsewhere}`);
  }

  private checkField(part: Part, field: ContentField, value: unknown, path: Path): void {
    if (typeof value === 'object' && value !== null) {
      if (!Array.isArray(value)) this.checkMap(part, field, value as Fields, path);
      return;
    }
    const expression = this.expressionAt(path);
    if (!expression) return;
    if (canBe(field, expression.type)) this.checkText(part, field, textOf(expression.text), path);
    else {
      const hint =
        isNumber(expression.text) && field.kind === 'string' ? ` (for the text: "'${expression.text}'")` : '';
      const found = `one that gives ${describeType(expression.type)}`;
      this.issues.value(path, `an expression that gives ${describeKind(field)}${hint}`, found);
    }
  }

  private checkMap(part: Part, field: ContentField, value: Fields, path: Path): void {
    const { name, kind, fields } = field;
    if (kind !== 'object') this.issues.value(path, `an expression that gives ${KINDS[kind]}`, 'a map');
    if (!fields) return;
    const fieldsIn = (version: SpecVersion) => part.fieldsIn(version)?.find((known) => known.name === name)?.fields;
    this.checkPart({ ...part, name: `${name} of ${part.name}`, fieldsIn }, value, path);
  }

  private checkText(part: Part, { name, values }: ContentField, text: string | undefined, path: Path): void {
    if (text === undefined || !values || values.includes(text)) return;
    const elsewhere = versionsWith((version) => {
      const field = part.fieldsIn(version)?.find((known) => known.name === name);
      return field?.values?.includes(text) === true;
    });
    const expected = `${listed(values.map((allowed) => `'${allowed}'`))}${didYouMean(text, values)}`;
    this.issues.value(path, expected, `'${text}'${elsewhere === '' ? '' : `, a value ${elsewhere}`}`);
  }
}

const describeEvent = (name: string, version: SpecVersion): string =>
  `${name} in CDEvents ${fullSpecVersions[version]}`;
const nameOf = ({ name, version }: Part): string => describeEvent(name, version);

const KINDS = { string: 'text', list: 'a list', object: 'a map' } as const;

const describeKind = ({ kind, fields = [] }: ContentField): string => {
  const names = fields.map(({ name }) => name);
  return names.length > 0 ? `a map with ${listed(names, 'and')}` : KINDS[kind];
};

const describeType = (type: string): string => {
  const fields = expressions.fieldsOf(type);
  return fields ? `${type}, a map with ${listed(Object.keys(fields), 'and')}` : type;
};

/** Whether a field may take a value of a CEL type. */
function canBe({ kind, fields }: ContentField, type: string): boolean {
  const [, inner = type] = /^optional<(.*)>$/.exec(type) ?? [];
  if (/^(?:dyn|null)/.test(inner)) return true;
  if (kind === 'string') return inner === 'string';
  if (kind === 'list') return inner.startsWith('list');
  const own = expressions.fieldsOf(inner);
  if (!own) return inner.startsWith('map');
  const known = fields?.map(({ name }) => name) ?? Object.keys(own);
  const required = fields?.filter((field) => field.required) ?? [];
  return (
    Object.keys(own).every((name) => known.includes(name)) && required.every(({ name }) => Object.hasOwn(own, name))
  );
}

const isNumber = (text: string): boolean => /^-?[\d.]+$/.test(text);

/** The text of a plain CEL string literal; undefined for any other expression. */
const textOf = (expression: string): string | undefined => {
  const [, single, double] = /^\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*$/.exec(expression) ?? [];
  return single ?? double;
};
