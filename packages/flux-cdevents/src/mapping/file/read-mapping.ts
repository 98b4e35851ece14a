import { isSpecVersion, specVersions } from 'cdevents-sdk';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { describeFound } from '../../diagnostics/describe.ts';
import { createIssue, type Issue } from '../../diagnostics/issue.ts';
import { IssueList } from '../../diagnostics/issue-list.ts';
import { didYouMean, listed } from '../../diagnostics/words.ts';
import { type LocatedDocument, locateDocument } from '../../diagnostics/yaml-places.ts';
import type { MappingHeader, MappingReader, PresetName } from '../../provider/provider.ts';
import { DEFAULT_OPTIONS } from '../../provider/provider-options.ts';
import { MAPPING_KEY } from '../../provider/resolve-mapping.ts';
import { optionalNames, presetNames, presets } from '../presets/presets.ts';
import type { Mapping, Rule } from '../rules/mapping-model.ts';
import { type Fields, isFields } from './fields.ts';
import { mappingShape, type OpenMappingParts } from './mapping-schema.ts';
import { RulesReader } from './read-rules.ts';

/** A mapping, and everything that is wrong with it. With any issue the mapping is undefined. */
export interface MappingReading {
  readonly mapping: Mapping | undefined;
  /** The options that it sets, as far as they could be read. */
  readonly header: MappingHeader;
  readonly issues: readonly Issue[];
}

const MAX_BYTES = 256 * 1024;

const anything = (expected: string) => Type.Unknown({ expected });
/** The parts that code checks, since a schema cannot. */
const openParts: OpenMappingParts = {
  specVersion: anything('a version'),
  expression: () => anything('a CEL expression that is true or false'),
  content: anything('a map'),
  customData: anything('a map'),
  type: anything('an event name such as service.deployed'),
};
const shape = Compile(mappingShape(openParts));

/**
 * Reads the text of a `mapping.yaml` and lists everything that is wrong with it at once.
 * @param given what annotations or flags set: wins over the header
 */
export function readMapping(text: string, given: MappingHeader = {}): MappingReading {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) {
    const found = `${bytes.toLocaleString('en-US')} bytes`;
    const expected = `at most ${MAX_BYTES.toLocaleString('en-US')} bytes`;
    const issue: Issue = { ...createIssue('invalid-value', [], expected, found), place: { line: 1, column: 1 } };
    return { mapping: undefined, header: {}, issues: [issue] };
  }
  const document = locateDocument(text);
  const list = new IssueList(document);
  list.addAll(document.issues);
  const { value } = document;
  const header = isFields(value) ? readHeader(value, document, list) : {};
  if (document.issues.length > 0) return { mapping: undefined, header, issues: list.list() };

  list.addShape(shape, value);
  const version = given.specVersion ?? header.specVersion ?? DEFAULT_OPTIONS.specVersion;
  const preset = given.preset ?? header.preset ?? DEFAULT_OPTIONS.preset;
  const fields = isFields(value) ? value : {};
  const rules = new RulesReader(document, list, version).read(fields.rules, enabledBy(fields));
  if (given.preset !== undefined || header.preset !== undefined || fields.preset === undefined) {
    checkEnabled(fields.enable, rules, preset, list);
    checkCauses(rules, preset, list);
  }
  const issues = list.list();
  if (issues.length > 0) return { mapping: undefined, header, issues };
  const enable = Array.isArray(fields.enable) ? { enable: fields.enable as string[] } : {};
  return { mapping: { ...header, ...enable, rules }, header, issues };
}

/** The same for the mapping of a ConfigMap. */
export const mappingReader: MappingReader = (text, given) => {
  const { header, issues } = readMapping(text, given);
  return { header, issues: placedInText(issues) };
};

/** The issues of a mapping that is in a ConfigMap: their places are those in its text. */
export const placedInText = (issues: readonly Issue[]): readonly Issue[] =>
  issues.map(({ place, ...issue }) => ({ ...issue, textPlace: { file: MAPPING_KEY, ...place } }));

function readHeader({ specVersion, preset }: Fields, document: LocatedDocument, list: IssueList): MappingHeader {
  // A number of YAML is taken as it is written: 0.4 is the version, 0.40 is not.
  const version = typeof specVersion === 'number' ? document.sourceOf(['specVersion']) : specVersion;
  if (specVersion !== undefined && !isSpecVersion(version)) {
    const hint = typeof version === 'string' ? didYouMean(version, specVersions) : '';
    const found = typeof specVersion === 'number' ? `the number ${version}` : describeFound(version);
    list.value(['specVersion'], `${listed(specVersions)}${hint}`, found);
  }
  const known = presetNames.find((name) => name === preset);
  return { ...(isSpecVersion(version) && { specVersion: version }), ...(known && { preset: known }) };
}

const enabledBy = ({ enable }: Fields): ReadonlySet<unknown> => new Set(Array.isArray(enable) ? enable : []);

function checkEnabled(enable: unknown, rules: readonly Rule[], preset: PresetName, list: IssueList): void {
  if (!Array.isArray(enable)) return;
  const names = optionalNames(rules, preset);
  for (const [index, name] of enable.entries()) {
    if (typeof name !== 'string' || names.includes(name)) continue;
    const elsewhere = presetNames.find((other) => optionalNames([], other).includes(name));
    const known = `an optional of these rules or of preset ${preset}: ${listed(names)}${didYouMean(name, names)}`;
    const expected = names.length > 0 ? known : `nothing, as neither these rules nor preset ${preset} have an optional`;
    const found = elsewhere ? `${name}, of preset ${elsewhere}` : describeFound(name);
    list.value(['enable', index], expected, found);
  }
}

/** Reports an `incident.resolved` for a cause that no rule opens, since it would never be sent. */
function checkCauses(rules: readonly Rule[], preset: PresetName, list: IssueList): void {
  const emits = [...rules, ...presets[preset].rules].flatMap(({ emit }) => emit);
  const opened = emits.flatMap(({ type, incident }) => (type === 'incident.detected' ? (incident?.cause ?? []) : []));
  for (const [index, { emit }] of rules.entries()) {
    for (const [place, { type, incident }] of emit.entries()) {
      const { cause } = incident ?? {};
      if (type !== 'incident.resolved' || cause === undefined || opened.includes(cause)) continue;
      const expected = `a cause that an incident.detected opens${didYouMean(cause, opened)}`;
      list.value(['rules', index, 'emit', place, 'incident', 'cause'], expected, describeFound(cause));
    }
  }
}
