import { isEventName, isSpecVersion, parseEventType, specVersions } from 'cdevents-sdk';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { describeFound } from '../diagnostics/describe.ts';
import type { Issue, Path } from '../diagnostics/issue.ts';
import { IssueList } from '../diagnostics/issue-list.ts';
import { didYouMean, listed } from '../diagnostics/words.ts';
import { type LocatedDocument, locateDocument } from '../diagnostics/yaml-places.ts';
import { type Fields, isFields } from '../mapping/file/fields.ts';
import { allEventNames } from '../mapping/file/schema-parts.ts';
import type { Case, CasesFile, Step } from './cases.ts';
import { casesShape } from './cases-schema.ts';

/** A file of cases, or all its issues. */
export type CasesReading =
  | { readonly file: CasesFile; readonly issues: readonly [] }
  | { readonly file: undefined; readonly issues: readonly Issue[] };

const shape = Compile(
  casesShape({
    specVersion: Type.Unknown({ expected: 'a version' }),
    event: (written) => written,
    type: Type.String({ expected: 'an event name such as service.upgraded' }),
  }),
);

/** A valid event, in place of the name of a file. */
const IN_A_FILE = { reason: 'InAFile' };

/** Reads the text of a file of cases and lists all its issues at once. */
export function readCases(text: string): CasesReading {
  const document = locateDocument(text);
  const list = new IssueList(document);
  list.addAll(document.issues);
  if (document.issues.length > 0) return { file: undefined, issues: list.list() };
  const value = document.value;
  list.addShape(shape, withoutFiles(value));
  const fields: Fields = isFields(value) ? value : {};
  const specVersion = readVersion(fields, document, list);
  checkNames(fields, list);
  const cases = listOf(fields.cases).map((one, index) => readCase(one, ['cases', index], list));
  const issues = list.list();
  if (issues.length > 0) return { file: undefined, issues };
  const { specVersion: _, cases: __, ...rest } = fields;
  return { file: { ...rest, ...(specVersion && { specVersion }), cases } as CasesFile, issues: [] };
}

const listOf = (value: unknown): Fields[] =>
  Array.isArray(value) ? value.map((one) => (isFields(one) ? one : {})) : [];

/** A copy with an event in place of each file name, since the files are not read here. */
function withoutFiles(value: unknown): unknown {
  if (!isFields(value) || !Array.isArray(value.cases)) return value;
  const inPlace = (step: unknown) =>
    isFields(step) && typeof step.event === 'string' && step.event !== '' ? { ...step, event: IN_A_FILE } : step;
  const cases = value.cases.map((one: unknown) => {
    const replaced = inPlace(one);
    if (!isFields(replaced) || !Array.isArray(replaced.steps)) return replaced;
    return { ...replaced, steps: replaced.steps.map(inPlace) };
  });
  return { ...value, cases };
}

function readVersion({ specVersion }: Fields, document: LocatedDocument, list: IssueList) {
  const version = typeof specVersion === 'number' ? document.sourceOf(['specVersion']) : specVersion;
  if (specVersion === undefined) return undefined;
  if (isSpecVersion(version)) return version;
  list.value(['specVersion'], listed(specVersions), describeFound(specVersion));
  return undefined;
}

function checkNames({ cases }: Fields, list: IssueList): void {
  const first = new Map<string, number>();
  for (const [index, { name }] of listOf(cases).entries()) {
    if (typeof name !== 'string') continue;
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, index);
      continue;
    }
    const line = list.lineOf(['cases', before, 'name']);
    const found = `that of cases[${before}] on line ${line}`;
    list.value(['cases', index, 'name'], 'a name that no other case has', found, 'duplicate');
  }
}

function readCase(fields: Fields, path: Path, list: IssueList): Case {
  const { name, eventMetadata, steps, ...single } = fields;
  const line = list.lineOf(path);
  const given = { name: String(name), line, ...(eventMetadata !== undefined && { eventMetadata }) } as Omit<
    Case,
    'steps'
  >;
  if (steps === undefined) {
    if (!('event' in single)) list.missing([...path, 'event'], 'an event, or steps');
    return { ...given, steps: [readStep(single, path, list)] };
  }
  for (const field of ['event', 'rule', 'expect', 'skipped', 'error']) {
    if (field in single) list.key([...path, field], 'either steps or an event of the case itself', 'both', 'conflict');
  }
  return {
    ...given,
    steps: listOf(steps).map((step, index) => readStep(step, [...path, 'steps', index], list)),
  };
}

function readStep(step: Fields, path: Path, list: IssueList): Step {
  const { event, expect, ...rest } = step;
  const line = list.lineOf(path);
  if ('event' in step && !['expect', 'skipped', 'error'].some((field) => field in step)) {
    list.missing([...path, 'expect'], 'a list of CDEvents ([] for none), skipped or error');
  }
  const isSkipped = rest.skipped !== undefined && rest.error === undefined;
  if (isSkipped && Array.isArray(expect) && expect.length > 0) {
    list.key([...path, 'skipped'], 'no CDEvents beside it', `${expect.length} in expect`, 'conflict');
  }
  const types = new Set<unknown>();
  for (const [index, { type }] of listOf(expect).entries()) {
    const place = [...path, 'expect', index, 'type'];
    if (typeof type === 'string') checkType(type, place, list);
    if (types.has(type)) list.value(place, 'a type that no CDEvent before it has', describeFound(type), 'duplicate');
    types.add(type);
  }
  return { ...rest, event, line, expect: expect ?? [] } as Step;
}

const CUSTOM_NAME = /^[a-zA-Z0-9]+-[a-zA-Z]+\.[a-zA-Z]+$/;

function checkType(type: string, path: Path, list: IssueList): void {
  if (isEventName(type) || CUSTOM_NAME.test(type) || parseEventType(type)) return;
  list.value(path, `an event name such as service.upgraded${didYouMean(type, allEventNames)}`, describeFound(type));
}
