import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ContentField, contentFields, eventNames, type SpecVersion, specVersions } from 'cdevents-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { formatIssue } from '../../diagnostics/format.ts';
import type { Rule, Template } from '../rules/mapping-model.ts';
import { mappingReader, readMapping } from './read-mapping.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/mappings');
const read = (file: string) => readFileSync(join(fixtures, file), 'utf8');

/** The issues of a text as `line:column: path: expected …, found …`. */
const issuesOf = (text: string, given: Parameters<typeof readMapping>[1] = {}) =>
  readMapping(text, given).issues.map(formatIssue);

/** Real mistakes, and all that is said of them. */
const broken: readonly (readonly [file: string, issues: readonly string[]])[] = [
  [
    'aliases.yaml',
    [
      '2:15: rules[0].name: expected an alias of an anchor before it, found *a',
      '3:25: rules[1].match: expected an alias of an anchor before it, found *c',
    ],
  ],
  [
    'bad-yaml.yaml',
    [
      '3:12: document: expected YAML (an expression with ": " in it must be in quotes), found an error: Nested mappings are not allowed in compact mappings',
      '6:1: document: expected YAML, found an error: All mapping items must start at the same column',
      "8:12: document: expected YAML (an expression that begins with ! must be in quotes), found an error: Unresolved tag: !event.reason.startsWith('Install')",
      '10:24: document: expected YAML (an expression that begins with a quote must be quoted as a whole, with other quotes), found an error: Unexpected scalar at node end',
    ],
  ],
  [
    'comment.yaml',
    [
      '3:35: rules[0].match: expected a quote that ends the string (" #" begins a comment: put the expression in quotes), found the end',
    ],
  ],
  [
    'content.yaml',
    [
      `8:19: rules[0].emit[0].content.errors: expected an expression that gives text (for the text: "'5'"), found one that gives int`,
      '9:11: rules[0].emit[0].content.taskname: expected a field of taskrun.finished in CDEvents 0.4.1: taskName, url, pipelineRun, outcome or errors (did you mean taskName?), found taskname',
      '11:9: rules[0].emit[1].content.artifactId: expected a value (service.upgraded in CDEvents 0.4.1 must have it), found nothing',
      '12:24: rules[0].emit[1].content.environment: expected an expression that gives a map with id and source, found one that gives string',
      '15:11: rules[0].emit[2].content.environment.id: expected a value (environment of incident.detected in CDEvents 0.4.1 must have it), found nothing',
      `16:11: rules[0].emit[2].content.service: expected a CEL expression (write a list in CEL: "['a', 'b']"), found a list`,
      '17:11: rules[0].emit[2].content.description: expected an expression that gives text, found a map',
      '18:11: rules[0].emit[2].content.artifactId: expected a CEL expression, found nothing',
      '19:22: rules[0].emit[2].customData.flux: expected another name, because flux is the Flux event itself, found flux',
      '19:35: rules[0].emit[2].customData.constructor: expected another name: JavaScript has its own use for this one, found constructor',
      "25:20: rules[1].emit[0].content.outcome: expected 'pass', 'fail', 'cancel' or 'error', found 'succes'",
      '26:24: rules[1].emit[0].content.environment: expected an expression that gives a map with id and source, found one that gives TaskRun, a map with id and name',
      '28:9: rules[1].emit[1].content: expected a map with uri, summary and creator (ticket.created in CDEvents 0.4.1 must have it), found nothing',
      '30:9: rules[1].emit[2].content.environment: expected a value (incident.reported in CDEvents 0.4.1 must have it), found nothing',
      '30:9: rules[1].emit[2].content.ticketURI: expected a value (incident.reported in CDEvents 0.4.1 must have it), found nothing',
    ],
  ],
  [
    'duplicate-fields.yaml',
    [
      '6:5: rules[0].emit: expected one such field, found a second one (the first is on line 4)',
      '8:1: rules: expected one such field, found a second one (the first is on line 1)',
    ],
  ],
  [
    'emit-missing.yaml',
    [
      '2:5: rules[0].emit: expected a list of at most 20 CDEvents ([] for none), found nothing',
      '6:5: rules[1].emit: expected a list of at most 20 CDEvents ([] for none), found a map',
      '9:5: rules[2].match: expected a CEL expression that is true or false, found nothing',
      '10:5: rules[2].emit: expected a list of at most 20 CDEvents ([] for none), found nothing',
    ],
  ],
  [
    'enable-of-other-preset.yaml',
    [
      '2:10: enable[0]: expected nothing, as neither these rules nor preset rfc have an optional, found drift, of preset service',
    ],
  ],
  [
    'enable.yaml',
    [
      '2:10: enable[0]: expected an optional of these rules or of preset service: nightly-runs, drift or artifacts (did you mean drift?), found "drifts"',
      '2:18: enable[1]: expected an optional of these rules or of preset service: nightly-runs, drift or artifacts, found "nightly"',
    ],
  ],
  [
    'field-of-other-version.yaml',
    [
      '7:9: rules[0].emit[0].content.environment: expected a value (testsuiterun.finished in CDEvents 0.5.1 must have it), found nothing',
      "8:20: rules[0].emit[0].content.outcome: expected 'success', 'failure', 'cancel' or 'error', found 'fail', a value up to 0.4",
      '9:39: rules[0].emit[0].content.testSuite.url: expected a field of testSuite of testsuiterun.finished in CDEvents 0.5.1: id, version, name or uri (did you mean uri?), found url',
      '11:19: rules[0].emit[1].content.url: expected a field of environment.modified in CDEvents 0.5.1: name or uri (did you mean uri?), found url, which it has up to 0.4',
      '11:56: rules[0].emit[1].content.id: expected a field of environment.modified in CDEvents 0.5.1: name or uri, found id',
    ],
  ],
  [
    'incident.yaml',
    [
      '7:9: rules[0].emit[0].incident.cause: expected the name of a cause, such as failure, found nothing',
      '9:9: rules[0].emit[1].incident: expected it on incident.detected and incident.resolved only, found it on taskrun.finished',
      `14:27: rules[1].emit[0].incident.cause: expected the name of a cause: at most 100 lower case letters, digits and -, found "'paged'"`,
      '19:27: rules[2].emit[0].incident.cause: expected a cause that an incident.detected opens, found "outage"',
      '19:35: rules[2].emit[0].incident.oncePer: expected it on incident.detected only, found it on incident.resolved',
    ],
  ],
  ['match-is-text.yaml', ['3:12: rules[0].match: expected an expression of type bool, found string']],
  [
    'misspelt-event-name.yaml',
    [
      '5:15: rules[0].emit[0].type: expected an event name of CDEvents 0.4.1 (did you mean service.deployed?), found "service.deploied"',
      '6:15: rules[0].emit[1].type: expected an event name of CDEvents 0.4.1 (did you mean service.upgraded?), found "dev.cdevents.service.upgraded.0.2.0"',
      '7:15: rules[0].emit[2].type: expected an event name of CDEvents 0.4.1 (service.deployed, service.upgraded, service.rolledback, service.published or service.removed), found "service.installed"',
      '8:15: rules[0].emit[3].type: expected dev.cdeventsx.<tool>-<subject>.<predicate>.<x.y.z> (letters only but for the tool, which may have digits; one digit each in the version), found "dev.cdeventsx.acme.started"',
    ],
  ],
  [
    'misspelt-variable.yaml',
    [
      '3:64: rules[0].match: expected a field of event: involvedObject, severity, timestamp, message, reason, metadata, reportingController, reportingInstance, action, relatedObject (did you mean reason?), found reson',
      '7:24: rules[0].emit[0].content.environment: expected a variable: event, alert, provider, cluster, environment, service, artifactId, release, taskRun, incident, outcome, chainId (did you mean environment?), found enviroment',
    ],
  ],
  [
    'never-reached.yaml',
    [
      '6:12: rules[1].match: expected an expression that no earlier rule has, found that of rules[0] on line 3, which matches first',
      '12:12: rules[3].match: expected an expression that no earlier rule has, found that of rules[2] on line 9, which matches first',
    ],
  ],
  ['nothing.yaml', ['1:1: document: expected a map with rules, found nothing']],
  [
    'regular-expression.yaml',
    [
      '3:51: rules[0].match: expected a regular expression of RE2, found ^(prod|live$ (missing closing ): `^(prod|live$`)',
    ],
  ],
  [
    'same-name.yaml',
    [
      '6:15: rules[0].emit[1].type: expected a type that no CDEvent before it has, because a Flux event makes at most one of each type, found that of emit[0] on line 5',
      '7:11: rules[1].name: expected a name that no other rule has, found that of rules[0] on line 2',
      '8:12: rules[1].match: expected an expression that no earlier rule has, found that of rules[0] on line 3, which matches first',
    ],
  ],
  ['several-documents.yaml', ['3:1: document: expected one document, found another one']],
  [
    'several.yaml',
    [
      '1:14: specVersion: expected 0.3, 0.4 or 0.5 (did you mean 0.4?), found "0.4.1"',
      '2:9: preset: expected the name of a preset: rfc, service or none (did you mean service?), found "servce"',
      '4:11: rules[0].name: expected the name of the rule: at most 100 lower case letters, digits and -, found "Deployed!"',
      '5:25: rules[0].match: expected ==, found =',
      '7:15: rules[0].emit[0].type: expected an event name of CDEvents 0.4.1 (did you mean service.deployed?), found "service.deployd"',
      '8:19: rules[0].emit[0].subject.ID: expected one of the fields id or source (did you mean id?), found ID',
      '9:5: rules[1].nam: expected one of the fields name, optional, match or emit (did you mean name?), found nam',
      '10:28: rules[1].match: expected a quote that ends the string, found the end',
      '11:12: rules[1].emit[0]: expected a map such as {type: service.deployed}, found "service.removed"',
    ],
  ],
  [
    'syntax.yaml',
    [
      '5:45: rules[0].match: expected ), found the end',
      `9:20: rules[0].emit[0].content.outcome: expected a variable: event, alert, provider, cluster, environment, service, artifactId, release, taskRun, incident, outcome, chainId (for the text itself: "'success'"), found success`,
      '10:26: rules[0].emit[0].content.taskName: expected a quote that ends the string, found the end',
    ],
  ],
  [
    'text-without-quotes.yaml',
    [
      "3:28: rules[0].match: expected a variable: event, alert, provider, cluster, environment, service, artifactId, release, taskRun, incident, outcome, chainId (for the text: 'UpgradeSucceeded'), found UpgradeSucceeded",
      `7:29: rules[0].emit[0].content.taskName: expected an operator or the end (for the text itself: "'Upgrade of a service'"), found of`,
      `8:21: rules[0].emit[0].content.outcome: expected a variable: event, alert, provider, cluster, environment, service, artifactId, release, taskRun, incident, outcome, chainId (for the text itself: "'success'"), found success`,
      `9:21: rules[0].emit[0].content.url: expected an operator or the end (for the text itself: "'https://ci.example.com/runs'"), found :`,
      `11:17: rules[0].emit[0].customData.team: expected a variable: event, alert, provider, cluster, environment, service, artifactId, release, taskRun, incident, outcome, chainId (for the text itself: "'web-shop'"), found web`,
    ],
  ],
  [
    'type-of-later-version.yaml',
    [
      '6:15: rules[0].emit[0].type: expected an event name of CDEvents 0.3.0 such as service.deployed, found one that exists from 0.4 on',
      '8:15: rules[0].emit[1].type: expected an event name of CDEvents 0.3.0, found a custom type, which there are from 0.4 on',
    ],
  ],
  [
    'unknown-field.yaml',
    [
      '4:5: rules[0].matches: expected one of the fields name, optional, match or emit (did you mean match?), found matches',
      '7:9: rules[0].emit[0].customdata: expected one of the fields type, subject, content, customData or incident (did you mean customData?), found customdata',
    ],
  ],
];

describe('a broken mapping', () => {
  it.each(broken)('%s', (file, issues) => expect(issuesOf(read(`broken/${file}`))).toEqual(issues));

  it('is in the table', () => {
    expect(broken.map(([file]) => file)).toEqual(globSync('*.yaml', { cwd: join(fixtures, 'broken') }).sort());
  });

  it('is of no use, but its header may be known', () => {
    expect(readMapping(read('broken/field-of-other-version.yaml'))).toMatchObject({
      mapping: undefined,
      header: { specVersion: '0.5' },
    });
    expect(readMapping(read('broken/several.yaml')).header).toEqual({});
  });
});

describe('a mapping', () => {
  it('comes with all that it says, numbers and booleans as expressions', () => {
    expect(readMapping(read('everything.yaml'))).toEqual({
      header: { specVersion: '0.4', preset: 'service' },
      issues: [],
      mapping: {
        specVersion: '0.4',
        preset: 'service',
        enable: ['drift', 'canaries'],
        rules: [
          {
            name: 'canary',
            optional: 'canaries',
            match: "event.involvedObject.kind == 'Canary' &&\nevent.reason == 'Synced'\n",
            emit: [
              {
                type: 'dev.cdeventsx.acme-canary.started.0.1.0',
                subject: { id: 'service.id', source: "'/acme'" },
                content: {
                  retries: '3',
                  automatic: 'true',
                  weights: '[10, 50, 100]',
                  nested: { deeper: { still: 'event.message' } },
                },
              },
              {
                type: 'taskrun.finished',
                subject: { id: 'service.id', source: "'/acme'" },
                content: { taskName: "'canary'", outcome: "'success'", url: 'event.metadata.?url' },
              },
            ],
          },
          {
            name: 'certificate-expires',
            match: "event.involvedObject.kind == 'Certificate' && event.reason == 'Expiring'",
            emit: [
              {
                type: 'incident.detected',
                incident: { cause: 'certificate', oncePer: 'event.metadata.?revision' },
              },
            ],
          },
          {
            name: 'certificate-renewed',
            match: "event.involvedObject.kind == 'Certificate' && event.reason == 'Renewed'",
            emit: [{ type: 'incident.resolved', incident: { cause: 'certificate' } }],
          },
          { name: 'everything-else', match: 'true', emit: [] },
        ],
      },
    });
  });

  it('needs no rules of its own', () => {
    expect(readMapping(read('enable-only.yaml')).mapping).toEqual({
      preset: 'service',
      enable: ['drift', 'artifacts'],
      rules: [],
    });
  });

  it('may be JSON', () => {
    expect(readMapping(read('json.yaml'))).toMatchObject({ header: { preset: 'none' }, issues: [] });
  });

  it.each([
    ['"0.3"', []],
    ['0.4', []],
    ["'0.5'", []],
    ['0.40', ['1:14: specVersion: expected 0.3, 0.4 or 0.5 (did you mean 0.4?), found the number 0.40']],
    ['v0.4', ['1:14: specVersion: expected 0.3, 0.4 or 0.5 (did you mean 0.4?), found "v0.4"']],
    ['', ['1:1: specVersion: expected 0.3, 0.4 or 0.5, found nothing']],
  ])('for CDEvents %s', (version, issues) => expect(issuesOf(`specVersion: ${version}\n`)).toEqual(issues));
});

describe('what is given', () => {
  const withUrl =
    'specVersion: "0.4"\nrules: [{name: a, match: true, emit: [{type: environment.modified, content: {url: cluster}}]}]';

  it('wins over the header: the spec version', () => {
    expect(issuesOf(withUrl)).toEqual([]);
    expect(issuesOf(withUrl, { specVersion: '0.5' })).toEqual([
      '2:78: rules[0].emit[0].content.url: expected a field of environment.modified in CDEvents 0.5.1: name or uri (did you mean uri?), found url, which it has up to 0.4',
    ]);
    expect(readMapping(withUrl, { specVersion: '0.5' }).header).toEqual({ specVersion: '0.4' });
  });

  it('wins over the header: the preset', () => {
    expect(issuesOf(read('enable-only.yaml'), { preset: 'rfc' })).toEqual([
      '2:10: enable[0]: expected nothing, as neither these rules nor preset rfc have an optional, found drift, of preset service',
      '2:17: enable[1]: expected nothing, as neither these rules nor preset rfc have an optional, found artifacts, of preset service',
    ]);
  });

  it('reaches the reader of Providers, whose paths have the place', () => {
    expect(mappingReader(read('broken/match-is-text.yaml'), {}).issues).toMatchObject([
      { path: ['rules', 0, 'match'], textPlace: { file: 'mapping.yaml', line: 3, column: 12 } },
    ]);
    expect(mappingReader('specVersion: 0.5', { preset: 'none' })).toEqual({
      header: { specVersion: '0.5' },
      issues: [],
    });
  });
});

describe('rules one after another', () => {
  const rules = (...heads: string[]) =>
    `preset: service\nrules:\n${heads.map((head, index) => `  - {name: r${index}, emit: [], ${head}}\n`).join('')}`;

  it.each([
    ['with other expressions', rules("match: event.reason == 'A'", "match: event.reason == 'B'"), 0],
    ['with the same expression', rules('match: cluster == "a"', 'match: cluster == "a"'), 1],
    ['with the same expression, the first of them off', rules('optional: x, match: true', 'match: true'), 0],
    [
      'with the same expression, the first of them on',
      `enable: [x]\n${rules('optional: x, match: true', 'match: true')}`,
      1,
    ],
    ['with the same expression, off together', rules('optional: x, match: true', 'optional: x, match: true'), 1],
    ['with the same expression, off apart', rules('optional: x, match: true', 'optional: y, match: true'), 0],
    ['after one that matches everything', rules('match: true', "match: event.reason == 'A'"), 1],
  ])('%s', (_, text, unreachable) => {
    expect(issuesOf(text).filter((issue) => issue.includes('an expression that no earlier rule has'))).toHaveLength(
      unreachable,
    );
  });
});

describe('causes of incidents', () => {
  const resolved = (cause: string) =>
    `rules: [{name: a, match: true, emit: [{type: incident.resolved, incident: {cause: ${cause}}}]}]`;

  it('are those of the preset as well', () => {
    expect(issuesOf(resolved('drift'), { preset: 'service' })).toEqual([]);
    expect(issuesOf(resolved('drfit'), { preset: 'service' })).toEqual([
      '1:83: rules[0].emit[0].incident.cause: expected a cause that an incident.detected opens (did you mean drift?), found "drfit"',
    ]);
  });
});

describe('limits', () => {
  const rule = (index: number, emit: unknown[] = []) => ({ name: `r${index}`, match: `cluster == '${index}'`, emit });
  const many = <T>(count: number, make: (index: number) => T) =>
    Array.from({ length: count }, (_, index) => make(index));
  const withRules = (rules: unknown[]) => JSON.stringify({ rules });

  it.each<[string, string, string[]]>([
    [
      'of the text',
      `# ${'x'.repeat(256 * 1024)}`,
      ['1:1: document: expected at most 262,144 bytes, found 262,146 bytes'],
    ],
    [
      'of rules',
      withRules(many(501, (index) => rule(index))),
      ['1:2: rules: expected a list of at most 500 rules, found 501'],
    ],
    [
      'of CDEvents',
      withRules([
        rule(
          0,
          many(21, (index) => ({ type: `dev.cdeventsx.a-b${String.fromCharCode(97 + index)}.c.0.1.0` })),
        ),
      ]),
      ['1:49: rules[0].emit: expected a list of at most 20 CDEvents ([] for none), found 21'],
    ],
  ])('%s', (_, text, issues) => expect(issuesOf(text)).toEqual(issues));

  it('of expressions', () => {
    const content = Object.fromEntries(many(1000, (index) => [`f${index}`, index]));
    const text = withRules(many(6, (index) => rule(index, [{ type: 'dev.cdeventsx.a-b.c.0.1.0', content }])));
    expect(issuesOf(text)).toEqual([expect.stringMatching(/expected at most 5,000 expressions, found one more$/)]);
  });

  it('of what is listed', () => {
    const issues = issuesOf(withRules(many(70, (index) => ({ ...rule(index), nam: 1 }))));
    expect(issues).toHaveLength(51);
    expect(issues.at(-1)).toMatch(/^1:\d+: document: expected at most the 50 issues above, found 20 more$/);
  });

  it('of levels in content', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
    const withLevels = (levels: number) =>
      withRules([rule(0, [{ type: 'dev.cdeventsx.a-b.c.0.1.0', content: nested(levels) }])]);
    expect(issuesOf(withLevels(10))).toEqual([]);
    expect(issuesOf(withLevels(11))).toEqual([expect.stringMatching(/expected at most 10 levels/)]);
  });
});

describe('any text', () => {
  const files = globSync('**/*.yaml', { cwd: fixtures });
  const damaged = fc
    .record({ file: fc.constantFrom(...files), at: fc.nat(900), drop: fc.nat(12), put: fc.string({ maxLength: 6 }) })
    .map(({ file, at, drop, put }) => `${read(file).slice(0, at)}${put}${read(file).slice(at + drop)}`);

  it('is answered, with places within it, in order', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), damaged, fc.json()), (text) => {
        const { mapping, issues } = readMapping(text);
        expect(mapping === undefined).toBe(issues.length > 0);
        const lines = text.split('\n');
        const found = issues.map(({ place: { line = 0, column = 0 } = {} }) => ({ line, column }));
        for (const { line, column } of found) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
        }
        const places = found.map(({ line, column }) => line * 1_000_000 + column);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});

describe('any valid mapping', () => {
  const texts = fc.constantFrom('event.message', "'text'", 'cluster', "event.reason + ''", 'null', 'event.metadata.?x');
  const ids = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5})?$/);

  const contentOf = (fields: readonly ContentField[]): fc.Arbitrary<Template> =>
    fc.record(Object.fromEntries(fields.map((field) => [field.name, exampleOf(field)])), {
      requiredKeys: fields.filter(({ required }) => required).map(({ name }) => name),
    });
  function exampleOf({ kind, fields, values }: ContentField): fc.Arbitrary<string | Template> {
    if (values) return fc.constantFrom(...values.map((value) => `'${value}'`), 'outcome');
    if (kind === 'list') return fc.constantFrom("['a', 'b']", '[event.message]');
    if (kind === 'string') return texts;
    if (!fields) return fc.constantFrom('environment', "{'a': 1}");
    const isIdentity = fields.some(({ name }) => name === 'source');
    return isIdentity ? fc.oneof(fc.constantFrom('environment', 'service'), contentOf(fields)) : contentOf(fields);
  }

  const customType = fc
    .stringMatching(/^[a-z0-9]{1,5}-[a-z]{1,5}\.[a-z]{1,5}\.\d\.\d\.\d$/)
    .map((rest) => `dev.cdeventsx.${rest}`);
  const emitOf = (version: SpecVersion) => {
    const standard = fc
      .constantFrom(...eventNames(version))
      .chain((type) =>
        fc.record({ type: fc.constant(type as string), content: contentOf(contentFields(type, version) ?? []) }),
      );
    const custom = fc.record({ type: customType, content: fc.dictionary(ids, texts) });
    return fc
      .tuple(
        version === '0.3' ? standard : fc.oneof({ weight: 4, arbitrary: standard }, custom),
        fc.option(fc.record({ id: texts, source: texts }, { requiredKeys: [] }), { nil: undefined }),
        fc.option(fc.dictionary(ids, fc.oneof(texts, fc.dictionary(ids, texts))), { nil: undefined }),
      )
      .map(([emit, subject, customData]) => ({
        ...emit,
        ...(subject && { subject }),
        ...(customData && { customData }),
      }));
  };
  const mappingFor = (specVersion: SpecVersion) =>
    fc
      .uniqueArray(
        fc.record({
          name: ids,
          emit: fc.uniqueArray(emitOf(specVersion), { selector: ({ type }) => type, maxLength: 3 }),
        }),
        { selector: ({ name }) => name, maxLength: 5 },
      )
      .map((rules) => ({
        specVersion,
        rules: rules.map(({ name, emit }): Rule => ({ name, match: `event.reason == '${name}'`, emit })),
      }));
  const mappings = fc.constantFrom(...specVersions).chain(mappingFor);
  const printers = fc.constantFrom<(value: unknown) => string>(
    (value) => JSON.stringify(value),
    (value) => stringify(value),
    (value) => stringify(value, { lineWidth: 20 }),
    (value) => stringify(value, { collectionStyle: 'flow', defaultStringType: 'QUOTE_SINGLE' }),
  );

  it('has no issue, and comes back as it was', () => {
    fc.assert(
      fc.property(mappings, printers, (mapping, print) => {
        const reading = readMapping(print(mapping));
        expect(reading.issues).toEqual([]);
        expect(reading.mapping).toEqual(mapping);
      }),
      { numRuns: 200 },
    );
  });
});
