import { type ContentField, contentFields, fullSpecVersions, type SpecVersion } from 'cdevents-sdk';
import type { CompiledExpression } from '../cel/expression.ts';
import { versionsWith } from './check-type.ts';
import { describeField, didYouMean, type Findings, listed, meantWord } from './findings.ts';
import type { Path } from './locate.ts';

/** A part of a CDEvent's content: what every spec version says of it. */
interface Part {
  /** `testcaserun.finished`, `testCase of testcaserun.finished`. */
  readonly name: string;
  readonly version: SpecVersion;
  readonly fieldsIn: (version: SpecVersion) => readonly ContentField[] | undefined;
}

/** Fields that other spec versions spell in another way. */
const OTHER_SPELLINGS: Readonly<Record<string, string>> = { url: 'uri', uri: 'url' };

type Fields = Readonly<Record<string, unknown>>;

/** Holds the content of a rule against what the event type has in a spec version. */
export class ContentCheck {
  private readonly findings: Findings;
  private readonly expressionAt: (path: Path) => CompiledExpression | undefined;

  constructor(findings: Findings, expressionAt: (path: Path) => CompiledExpression | undefined) {
    this.findings = findings;
    this.expressionAt = expressionAt;
  }

  check(type: string, version: SpecVersion, content: Fields, path: Path): void {
    this.checkPart({ name: type, version, fieldsIn: (other) => contentFields(type, other) }, content, path);
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
      this.findings.value([...path, name], `a value (${nameOf(part)} must have it)`, 'nothing');
    }
  }

  private unknownField(part: Part, fields: readonly ContentField[], name: string, path: Path): void {
    const names = fields.map((field) => field.name);
    const elsewhere = versionsWith((version) => part.fieldsIn(version)?.some((field) => field.name === name) === true);
    const other = OTHER_SPELLINGS[name] ?? '';
    const hint = names.includes(other) ? ` (did you mean ${other}?)` : didYouMean(name, names);
    const expected =
      names.length === 0 ? `no content of ${nameOf(part)}` : `a field of ${nameOf(part)}: ${listed(names)}${hint}`;
    this.findings.key(path, expected, elsewhere === '' ? describeField(name) : `${name}, which it has ${elsewhere}`);
  }

  private checkField(part: Part, field: ContentField, value: unknown, path: Path): void {
    if (typeof value === 'object' && value !== null) {
      if (Array.isArray(value)) return;
      if (field.kind !== 'object') {
        this.findings.value(path, `an expression that gives ${KINDS[field.kind]}`, 'a map');
      } else if (field.fields) {
        const fieldsIn = (version: SpecVersion) =>
          part.fieldsIn(version)?.find(({ name }) => name === field.name)?.fields;
        this.checkPart({ ...part, name: `${field.name} of ${part.name}`, fieldsIn }, value as Fields, path);
      }
      return;
    }
    const expression = this.expressionAt(path);
    if (!expression) return;
    if (NEVER[field.kind].test(expression.type)) {
      const quoted = field.kind === 'string' ? ` (for the text itself: "'${expression.text}'")` : '';
      const hint = isLiteral(expression.text) ? quoted : '';
      this.findings.value(
        path,
        `an expression that gives ${kindOf(field)}${hint}`,
        `one that gives ${expression.type}`,
      );
      return;
    }
    const text = literalOf(expression.text);
    if (text === undefined || !field.values || field.values.includes(text)) return;
    const others = versionsWith((version) => valuesIn(part, version, field.name).includes(text));
    const expected = `${listed(field.values.map((allowed) => `'${allowed}'`))}${didYouMean(text, field.values)}`;
    this.findings.value(path, expected, `'${text}'${others === '' ? '' : `, a value ${others}`}`);
  }
}

const nameOf = ({ name, version }: Part): string => `${name} in CDEvents ${fullSpecVersions[version]}`;

const valuesIn = (part: Part, version: SpecVersion, name: string): readonly string[] =>
  part.fieldsIn(version)?.find((field) => field.name === name)?.values ?? [];

const KINDS = { string: 'text', list: 'a list', object: 'a map' } as const;

const kindOf = ({ kind, fields = [] }: ContentField): string =>
  fields.length > 0
    ? `a map with ${listed(
        fields.map(({ name }) => name),
        'and',
      )}`
    : KINDS[kind];

/** The types of CEL that no field of a kind can be made of. */
const NEVER: Readonly<Record<ContentField['kind'], RegExp>> = {
  string: /^(?:bool|int|uint|double|list|map)\b/,
  list: /^(?:bool|int|uint|double|string|map)\b/,
  object: /^(?:bool|int|uint|double|string|list)\b/,
};

const isLiteral = (text: string): boolean => /^(?:true|false|-?[\d.]+)$/.test(text);

/** The text that a literal of CEL stands for, when it is a plain one. */
const literalOf = (text: string): string | undefined => {
  const match = /^\s*(?:'([^'"\\]*)'|"([^'"\\]*)")\s*$/.exec(text);
  return match ? (match[1] ?? match[2]) : undefined;
};
