import { eventNames, isSpecVersion, parseEventType, specVersions } from 'cdevents-sdk';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { describeFound } from '../diagnostics/issues.ts';
import { listed } from '../diagnostics/words.ts';
import { type Fields, isFields } from '../mapping/file/fields.ts';
import { didYouMean, Findings } from '../mapping/file/findings.ts';
import { type LocatedDocument, locateDocument, type Path } from '../mapping/file/locate.ts';
import type { MappingIssue } from '../mapping/file/mapping-issue.ts';
import { findShapeIssues } from '../mapping/file/shape-findings.ts';
import type { Case, CasesFile, Step } from './cases.ts';
import { casesShape } from './cases-schema.ts';

/** A file of cases, or all that is wrong with it. */
export type CasesReading =
  | { readonly file: CasesFile; readonly issues: readonly [] }
  | { readonly file: undefined; readonly issues: readonly MappingIssue[] };

const shape = Compile(
  casesShape({
    specVersion: Type.Unknown({ expected: 'a version' }),
    event: (written) => written,
    type: Type.String({ expected: 'an event name such as service.upgraded' }),
  }),
);

/** Passes for a written event where the name of a file stands. */
const IN_A_FILE = { reason: 'InAFile' };

/** Reads the text of a file of cases and lists all that is wrong with it at once. */
export function readCases(text: string): CasesReading {
  const document = locateDocument(text);
  const findings = new Findings(document);
  for (const { offset, path, expected, found } of document.problems) findings.at(offset, path, expected, found);
  if (document.problems.length > 0) return { file: undefined, issues: findings.list() };
  const value = document.value;
  findShapeIssues(shape, withoutFiles(value), findings);
  const fields: Fields = isFields(value) ? value : {};
  const specVersion = readVersion(fields, document, findings);
  checkNames(fields, findings);
  const cases = listOf(fields.cases).map((one, index) => readCase(one, ['cases', index], findings));
  const issues = findings.list();
  if (issues.length > 0) return { file: undefined, issues };
  const { specVersion: _, cases: __, ...rest } = fields;
  return { file: { ...rest, ...(specVersion && { specVersion }), cases } as CasesFile, issues: [] };
}

const listOf = (value: unknown): Fields[] =>
  Array.isArray(value) ? value.map((one) => (isFields(one) ? one : {})) : [];

/** With an event in place of each file, whose content is not known here. */
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

function readVersion({ specVersion }: Fields, document: LocatedDocument, findings: Findings) {
  const version = typeof specVersion === 'number' ? document.sourceOf(['specVersion']) : specVersion;
  if (specVersion === undefined) return undefined;
  if (isSpecVersion(version)) return version;
  findings.value(['specVersion'], listed(specVersions), describeFound(specVersion));
  return undefined;
}

function checkNames({ cases }: Fields, findings: Findings): void {
  const first = new Map<string, number>();
  for (const [index, { name }] of listOf(cases).entries()) {
    if (typeof name !== 'string') continue;
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, index);
      continue;
    }
    const line = findings.lineOf(['cases', before, 'name']);
    findings.value(
      ['cases', index, 'name'],
      'a name that no other case has',
      `that of cases[${before}] on line ${line}`,
    );
  }
}

function readCase(fields: Fields, path: Path, findings: Findings): Case {
  const { name, eventMetadata, steps, ...single } = fields;
  const line = findings.lineOf(path);
  const given = { name: String(name), line, ...(eventMetadata !== undefined && { eventMetadata }) } as Omit<
    Case,
    'steps'
  >;
  if (steps === undefined) {
    if (!('event' in single)) findings.value([...path, 'event'], 'an event, or steps', 'nothing');
    return { ...given, steps: [readStep(single, path, findings)] };
  }
  for (const field of ['event', 'rule', 'expect', 'skipped', 'error']) {
    if (field in single) findings.key([...path, field], 'either steps or an event of the case itself', 'both');
  }
  return {
    ...given,
    steps: listOf(steps).map((step, index) => readStep(step, [...path, 'steps', index], findings)),
  };
}

function readStep(step: Fields, path: Path, findings: Findings): Step {
  const { event, expect, ...rest } = step;
  const line = findings.lineOf(path);
  if ('event' in step && !['expect', 'skipped', 'error'].some((field) => field in step)) {
    findings.value([...path, 'expect'], 'a list of CDEvents ([] for none), skipped or error', 'nothing');
  }
  const isSkipped = rest.skipped !== undefined && rest.error === undefined;
  if (isSkipped && Array.isArray(expect) && expect.length > 0) {
    findings.key([...path, 'skipped'], 'no CDEvents beside it', `${expect.length} in expect`);
  }
  const types = new Set<unknown>();
  for (const [index, { type }] of listOf(expect).entries()) {
    const place = [...path, 'expect', index, 'type'];
    if (typeof type === 'string') checkType(type, place, findings);
    if (types.has(type)) findings.value(place, 'another type than the CDEvents before it', describeFound(type));
    types.add(type);
  }
  return { ...rest, event, line, expect: expect ?? [] } as Step;
}

const known = [...new Set(specVersions.flatMap((version) => eventNames(version)))];
const CUSTOM_NAME = /^[a-zA-Z0-9]+-[a-zA-Z]+\.[a-zA-Z]+$/;

function checkType(type: string, path: Path, findings: Findings): void {
  if ((known as readonly string[]).includes(type) || CUSTOM_NAME.test(type) || parseEventType(type)) return;
  findings.value(path, `an event name such as service.upgraded${didYouMean(type, known)}`, describeFound(type));
}
