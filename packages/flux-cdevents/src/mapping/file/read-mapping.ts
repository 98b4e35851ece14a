import { isSpecVersion, specVersions } from 'cdevents-sdk';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { describeFound } from '../../diagnostics/issues.ts';
import { listed } from '../../diagnostics/words.ts';
import type { MappingHeader, MappingReader, PresetName } from '../../provider/provider.ts';
import { DEFAULT_OPTIONS } from '../../provider/provider-options.ts';
import { MAPPING_KEY } from '../../provider/resolve-mapping.ts';
import { optionalNames, presetNames, presets } from '../presets/presets.ts';
import type { Mapping, Rule } from '../rules/mapping-model.ts';
import { type Fields, isFields } from './fields.ts';
import { didYouMean, Findings } from './findings.ts';
import { type LocatedDocument, locateDocument } from './locate.ts';
import type { MappingIssue } from './mapping-issue.ts';
import { emitShape, mappingShape, type OpenParts } from './mapping-schema.ts';
import { RulesReader } from './read-rules.ts';
import { findShapeIssues } from './shape-findings.ts';

/** A mapping, and all that is wrong with it; with any issue it must not be used. */
export interface MappingReading {
  readonly mapping: Mapping | undefined;
  /** What it says of itself, as far as that could be made out. */
  readonly header: MappingHeader;
  readonly issues: readonly MappingIssue[];
}

const MAX_BYTES = 256 * 1024;

const anything = (expected: string) => Type.Unknown({ expected });
/** What the shape leaves open is read by hand. */
const openParts: OpenParts = {
  specVersion: anything('a version'),
  expression: () => anything('a CEL expression that is true or false'),
  content: anything('a map'),
  customData: anything('a map'),
  type: anything('an event name such as service.deployed'),
};
const shape = Compile(mappingShape(openParts, emitShape(openParts)));

/**
 * Reads the text of a `mapping.yaml` and lists all that is wrong with it at once.
 * @param given what annotations or flags say: wins over the header
 */
export function readMapping(text: string, given: MappingHeader = {}): MappingReading {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) {
    const found = `${bytes.toLocaleString('en-US')} bytes`;
    const expected = `at most ${MAX_BYTES.toLocaleString('en-US')} bytes`;
    return { mapping: undefined, header: {}, issues: [{ line: 1, column: 1, path: 'document', expected, found }] };
  }
  const document = locateDocument(text);
  const findings = new Findings(document);
  for (const { offset, path, expected, found } of document.problems) findings.at(offset, path, expected, found);
  const { value } = document;
  const header = isFields(value) ? readHeader(value, document, findings) : {};
  if (document.problems.length > 0) return { mapping: undefined, header, issues: findings.list() };

  findShapeIssues(shape, value, findings);
  const version = given.specVersion ?? header.specVersion ?? DEFAULT_OPTIONS.specVersion;
  const preset = given.preset ?? header.preset ?? DEFAULT_OPTIONS.preset;
  const fields = isFields(value) ? value : {};
  const rules = new RulesReader(document, findings, version).read(fields.rules, enabledBy(fields));
  if (given.preset !== undefined || header.preset !== undefined || fields.preset === undefined) {
    checkEnabled(fields.enable, rules, preset, findings);
    checkCauses(rules, preset, findings);
  }
  const issues = findings.list();
  if (issues.length > 0) return { mapping: undefined, header, issues };
  const enable = Array.isArray(fields.enable) ? { enable: fields.enable as string[] } : {};
  return { mapping: { ...header, ...enable, rules }, header, issues };
}

/** The same, as it is passed in where Providers are resolved. */
export const mappingReader: MappingReader = (text, given) => {
  const { header, issues } = readMapping(text, given);
  return {
    header,
    issues: issues.map(({ line, column, path, expected, found }) => ({
      path: `${MAPPING_KEY}:${line}:${column}: ${path}`,
      expected,
      found,
    })),
  };
};

function readHeader({ specVersion, preset }: Fields, document: LocatedDocument, findings: Findings): MappingHeader {
  // A number of YAML is taken as it is written: 0.4 is the version, 0.40 is not.
  const version = typeof specVersion === 'number' ? document.sourceOf(['specVersion']) : specVersion;
  if (specVersion !== undefined && !isSpecVersion(version)) {
    const hint = typeof version === 'string' ? didYouMean(version, specVersions) : '';
    const found = typeof specVersion === 'number' ? `the number ${version}` : describeFound(version);
    findings.value(['specVersion'], `${listed(specVersions)}${hint}`, found);
  }
  const known = presetNames.find((name) => name === preset);
  return { ...(isSpecVersion(version) && { specVersion: version }), ...(known && { preset: known }) };
}

const enabledBy = ({ enable }: Fields): ReadonlySet<unknown> => new Set(Array.isArray(enable) ? enable : []);

function checkEnabled(enable: unknown, rules: readonly Rule[], preset: PresetName, findings: Findings): void {
  if (!Array.isArray(enable)) return;
  const names = optionalNames(rules, preset);
  for (const [index, name] of enable.entries()) {
    if (typeof name !== 'string' || names.includes(name)) continue;
    const elsewhere = presetNames.find((other) => optionalNames([], other).includes(name));
    const known = `an optional of these rules or of preset ${preset}: ${listed(names)}${didYouMean(name, names)}`;
    const expected = names.length > 0 ? known : `nothing, as neither these rules nor preset ${preset} have an optional`;
    const found = elsewhere ? `${name}, of preset ${elsewhere}` : describeFound(name);
    findings.value(['enable', index], expected, found);
  }
}

/** An `incident.resolved` for a cause that nothing opens would never be sent. */
function checkCauses(rules: readonly Rule[], preset: PresetName, findings: Findings): void {
  const emits = [...rules, ...presets[preset].rules].flatMap(({ emit }) => emit);
  const opened = emits.flatMap(({ type, incident }) => (type === 'incident.detected' ? (incident?.cause ?? []) : []));
  for (const [index, { emit }] of rules.entries()) {
    for (const [place, { type, incident }] of emit.entries()) {
      const { cause } = incident ?? {};
      if (type !== 'incident.resolved' || cause === undefined || opened.includes(cause)) continue;
      const expected = `a cause that an incident.detected opens${didYouMean(cause, opened)}`;
      findings.value(['rules', index, 'emit', place, 'incident', 'cause'], expected, describeFound(cause));
    }
  }
}
