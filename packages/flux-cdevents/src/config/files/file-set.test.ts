import { describe, expect, it } from 'vitest';
import { formatIssue } from '../../diagnostics/format.ts';
import { mappingReader } from '../../mapping/file/read-mapping.ts';
import { createFileSet, type FileContent } from './file-set.ts';

const api = 'apiVersion: notification.toolkit.fluxcd.io/v1';
const aProvider = (name: string, spec = 'type: cdevents, address: http://sink') =>
  `${api}\nkind: Provider\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
const anAlert = (name: string, spec = 'providerRef: {name: hub}, eventSources: [{kind: HelmRelease, name: x}]') =>
  `${api}\nkind: Alert\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
const aSecret = (name: string, data: string) =>
  `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}}\nstringData: {${data}}\n`;
const documents = (...parts: string[]) => parts.join('---\n');

const aMapped = (name: string, mapping = 'rules') =>
  aProvider(name).replace(
    `name: ${name}`,
    `name: ${name}, annotations: {cdevents.toolkit.fluxcd.io/mapping: ${mapping}}`,
  );
/** The first line of the rules is line 6. */
const aConfigMap = (name: string, type = 'service.upgraded') => `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}}
data:
  mapping.yaml: |
    rules:
      - name: mine
        match: event.reason == 'UpgradeSucceeded'
        emit:
          - type: ${type}
`;

/** A file set, and what it says after each step. A file that is `undefined` is removed. */
function aFileSet() {
  const set = createFileSet({ noCrossNamespaceRefs: false, readMapping: mappingReader });
  return {
    set,
    async write(files: Readonly<Record<string, string | FileContent | undefined>>) {
      const changed = new Map<string, FileContent>();
      const removed: string[] = [];
      for (const [path, content] of Object.entries(files)) {
        if (content === undefined) removed.push(path);
        else changed.set(path, typeof content === 'string' ? { text: content } : content);
      }
      const differs = await set.update(changed, removed);
      const { alerts, providers, problems } = set.snapshot();
      return {
        differs,
        alerts: alerts.map(({ metadata }) => metadata.name),
        providers: Object.fromEntries(
          [...providers].map(([name, provider]) => [
            name,
            provider.status === 'ready' ? provider.endpoint.address : provider.status,
          ]),
        ),
        problems: problems.map(formatIssue),
      };
    },
  };
}

describe('files', () => {
  it('make Providers with their Secrets, and Alerts', async () => {
    const { write } = aFileSet();
    const state = await write({
      'a/secrets.yaml': aSecret('token', 'address: http://hidden'),
      'providers.yaml': documents(aProvider('hub', 'type: cdevents, secretRef: {name: token}'), anAlert('all')),
    });
    expect(state).toEqual({
      differs: true,
      alerts: ['all'],
      providers: { 'default/hub': 'http://hidden' },
      problems: [],
    });
  });

  it('take their objects with them when they go', async () => {
    const { write, set } = aFileSet();
    await write({ 'a.yaml': aProvider('hub'), 'b.yaml': anAlert('all') });
    expect(await write({ 'a.yaml': undefined })).toMatchObject({
      alerts: ['all'],
      providers: {},
      problems: [expect.stringMatching(/^b\.yaml:4: Alert default\/all: spec\.providerRef\.name: /)],
    });
    expect(await write({ 'b.yaml': undefined })).toMatchObject({ alerts: [], problems: [] });
    expect(set.counts()).toEqual({ files: 0, providers: 0, alerts: 0, secrets: 0, configMaps: 0 });
  });

  it('do not differ when nothing relevant changed', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aProvider('hub') });
    expect((await write({ 'a.yaml': aProvider('hub') })).differs).toBe(false);
    expect((await write({ 'b.yaml': undefined })).differs).toBe(false);
    expect((await write({ 'a.yaml': documents(aProvider('hub'), aProvider('b')) })).differs).toBe(true);
    expect((await write({ 'a.yaml': aProvider('hub') })).differs).toBe(true);
  });

  it('move an object when it is cut from one and pasted into another', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aProvider('hub') });
    const { providers, problems } = await write({ 'a.yaml': '', 'b.yaml': aProvider('hub') });
    expect({ providers, problems }).toEqual({ providers: { 'default/hub': 'http://sink' }, problems: [] });
  });

  it('keep their objects while they are empty, as a writer leaves them for a while', async () => {
    const { write, set } = aFileSet();
    await write({ 'a.yaml': aProvider('hub'), 'new.yaml': '' });
    const problems = ['a.yaml: file: expected its objects, or no such file, found an empty file'];
    expect(await write({ 'a.yaml': '\n' })).toMatchObject({ providers: { 'default/hub': 'http://sink' }, problems });
    expect(set.snapshot().unread).toMatchObject([{ mayHoldMore: false }]);
    const next = aProvider('hub', 'type: cdevents, address: http://next');
    expect(await write({ 'a.yaml': next })).toMatchObject({
      providers: { 'default/hub': 'http://next' },
      problems: [],
    });
    await write({ 'a.yaml': '' });
    expect(await write({ 'a.yaml': undefined })).toMatchObject({ providers: {}, problems: [] });
  });

  it('of which no version could be read may hold more than is known', async () => {
    const { write, set } = aFileSet();
    await write({ 'a.yaml': aProvider('hub'), 'b.yaml': 'oops: [', 'c.yaml': { unreadable: 'EIO' } });
    expect(set.snapshot().unread.map(({ problem, mayHoldMore }) => [formatIssue(problem), mayHoldMore])).toEqual([
      [expect.stringMatching(/^b\.yaml:1: document: expected YAML, found an error: /), true],
      ['c.yaml: file: expected a readable file, found EIO', true],
    ]);
    await write({ 'b.yaml': anAlert('all'), 'c.yaml': '' });
    expect(set.snapshot().unread).toEqual([]);
    // from now on there is a last good version
    await write({ 'b.yaml': 'oops: [', 'c.yaml': { unreadable: 'EIO' } });
    expect(set.snapshot().unread.map(({ mayHoldMore }) => mayHoldMore)).toEqual([false]);
  });
});

describe('a mapping in a ConfigMap', () => {
  it('makes its Provider ready, and is counted where a Provider names it', async () => {
    const { write, set } = aFileSet();
    const state = await write({
      'a.yaml': documents(aMapped('hub'), aProvider('plain')),
      'b.yaml': documents(aConfigMap('rules'), aConfigMap('of-others', 'nonsense')),
    });
    expect(state).toMatchObject({
      providers: { 'default/hub': 'http://sink', 'default/plain': 'http://sink' },
      problems: [],
    });
    expect(set.counts()).toMatchObject({ providers: 2, configMaps: 1 });
  });

  it.each<[string, string, string]>([
    ['a rule that is wrong', aConfigMap('rules', 'service.upgradet'), 'b.yaml:10: '],
    ['text with a header before it', aConfigMap('rules', 'nonsense').replace('|', '|2-'), 'b.yaml:10: '],
    ['text on one line', aConfigMap('rules').replace(/\|.*/s, '"rules: 5"'), 'b.yaml:5: '],
    ['another key', aConfigMap('rules').replace('mapping.yaml', 'mapping.yml'), 'b.yaml:4: '],
    ['no ConfigMap', aConfigMap('rulez'), 'a.yaml:3: '],
  ])('is located: %s', async (_, configMap, where) => {
    const { problems, providers } = await aFileSet().write({ 'a.yaml': aMapped('hub'), 'b.yaml': configMap });
    expect(problems).toEqual([expect.stringMatching(`^${where.replace('.', '\\.')}Provider default/hub: `)]);
    expect(providers).toEqual({ 'default/hub': 'invalid' });
  });

  it('keeps its last good version while its document is broken', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aMapped('hub'), 'b.yaml': aConfigMap('rules') });
    const malformed = aConfigMap('rules').replace(/\ndata:.*/s, '\ndata: {mapping.yaml: 5}\n');
    expect(await write({ 'b.yaml': malformed })).toMatchObject({
      providers: { 'default/hub': 'http://sink' },
      problems: ['b.yaml:4: ConfigMap default/rules: data[mapping.yaml]: expected a string, found a number'],
    });
    expect(await write({ 'b.yaml': 'kind: [' })).toMatchObject({
      providers: { 'default/hub': 'http://sink' },
      problems: [expect.stringMatching(/^b\.yaml:1: document: expected YAML/)],
    });
    expect(await write({ 'b.yaml': undefined })).toMatchObject({ providers: { 'default/hub': 'invalid' } });
  });

  it('may be broken or stand twice only where a Provider names it', async () => {
    const { write } = aFileSet();
    const twice = documents(aConfigMap('rules'), aConfigMap('rules'));
    const broken = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: 5\n';
    expect((await write({ 'a.yaml': documents(twice, broken) })).problems).toEqual([]);
    expect((await write({ 'b.yaml': documents(aMapped('x'), aMapped('y', 'other')) })).problems).toEqual([
      'a.yaml:14: ConfigMap default/rules: metadata.name: expected every object once, found another definition at a.yaml:3, which is the one in use',
      'a.yaml:26: ConfigMap default/other: data: expected a map of keys to values, found something else',
      expect.stringMatching(/^b\.yaml:\d+: Provider default\/y: metadata\.annotations/),
    ]);
  });
});

describe('an object that two files define', () => {
  it('is the first in path order, and both places are named', async () => {
    const { write } = aFileSet();
    const state = await write({
      'b.yaml': aProvider('hub', 'type: cdevents, address: http://b'),
      'a.yaml': documents(aSecret('s', 'a: b'), aProvider('hub', 'type: cdevents, address: http://a')),
    });
    expect(state.providers).toEqual({ 'default/hub': 'http://a' });
    expect(state.problems).toEqual([
      'b.yaml:3: Provider default/hub: metadata.name: expected every object once, ' +
        'found another definition at a.yaml:8, which is the one in use',
    ]);
    expect(await write({ 'a.yaml': undefined })).toMatchObject({
      providers: { 'default/hub': 'http://b' },
      problems: [],
    });
  });

  it('may stand twice when it is not of the configuration', async () => {
    const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';
    expect((await aFileSet().write({ 'a.yaml': documents(config, config) })).problems).toEqual([]);
  });
});

describe('an object that is broken', () => {
  const broken = aProvider('hub', 'type: cdevents, address: 5, timeout: 1h');

  it('keeps its last good version over several edits, and has no problem once it is fixed', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aProvider('hub') });
    for (const edit of [broken, aProvider('hub', 'type: 1'), broken]) {
      expect(await write({ 'a.yaml': edit })).toMatchObject({ providers: { 'default/hub': 'http://sink' } });
    }
    expect((await write({ 'a.yaml': `# moved\n${broken}` })).problems).toEqual([
      'a.yaml:5: Provider default/hub: spec.address: expected a string (put it in quotes), found the number 5',
      'a.yaml:5: Provider default/hub: spec.timeout: expected a duration of ms, s and m such as 1m30s, found "1h"',
    ]);
    expect(await write({ 'a.yaml': aProvider('hub', 'type: cdevents, address: http://new') })).toMatchObject({
      providers: { 'default/hub': 'http://new' },
      problems: [],
    });
  });

  it('keeps its last good version when it moves to another file', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aProvider('hub') });
    expect(await write({ 'a.yaml': undefined, 'b.yaml': broken })).toMatchObject({
      providers: { 'default/hub': 'http://sink' },
    });
  });

  it('is forgotten when it is gone in between', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aProvider('hub') });
    await write({ 'a.yaml': '# nothing\n' });
    expect(await write({ 'a.yaml': broken })).toMatchObject({ providers: { 'default/hub': 'invalid' } });
  });

  it('and never was good is an invalid Provider, so that its events wait, or no Alert', async () => {
    const { write } = aFileSet();
    const state = await write({
      'a.yaml': documents(broken, aProvider('other', 'type: slack, timeout: 1h'), anAlert('all'), anAlert('bad', '')),
    });
    expect(state).toMatchObject({ alerts: ['all'], providers: { 'default/hub': 'invalid' } });
    expect(state.problems).toContain('a.yaml:19: Alert default/bad: spec.providerRef: expected a map, found nothing');
  });

  it('does not make its Alerts wrong', async () => {
    const { write } = aFileSet();
    const state = await write({ 'a.yaml': documents(aProvider('hub', ''), anAlert('all')) });
    expect(state.problems).toEqual([expect.stringMatching(/^a\.yaml:4: Provider default\/hub: spec\.type: /)]);
  });

  it('does not affect the others in its file', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': documents(aProvider('hub'), anAlert('one')) });
    const state = await write({ 'a.yaml': documents(broken, anAlert('two')) });
    expect(state).toMatchObject({ alerts: ['two'], providers: { 'default/hub': 'http://sink' } });
  });

  it('keeps a Secret that cannot be decoded as it was', async () => {
    const { write } = aFileSet();
    const provider = aProvider('hub', 'type: cdevents, secretRef: {name: s}');
    await write({ 'p.yaml': provider, 's.yaml': aSecret('s', 'address: http://hidden') });
    const state = await write({
      's.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {address: "%"}\n',
    });
    expect(state.providers).toEqual({ 'default/hub': 'http://hidden' });
    expect(state.problems).toEqual([
      's.yaml:4: Secret default/s: data.address: expected base64, found 1 byte that are not',
    ]);
  });
});

describe('what an API server would take, but cannot work,', () => {
  it('makes the Provider invalid, though it was good before', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aProvider('hub') });
    const state = await write({ 'a.yaml': aProvider('hub', 'type: cdevents, address: sink') });
    expect(state.providers).toEqual({ 'default/hub': 'invalid' });
  });

  it('is found in a Secret at its place', async () => {
    const { write } = aFileSet();
    const provider = aProvider('hub', 'type: cdevents, address: http://sink,\n  secretRef: {name: s}');
    const headers = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: b\n  headers: x\n';
    expect(await write({ 'p.yaml': provider, 's.yaml': headers })).toMatchObject({
      providers: { 'default/hub': 'invalid' },
      problems: [
        's.yaml:6: Provider default/hub: Secret s: headers: expected a YAML map of header names to values, found 1 byte that are not',
      ],
    });
    expect((await write({ 's.yaml': undefined })).problems).toEqual([
      expect.stringMatching(/^p\.yaml:5: Provider default\/hub: spec\.secretRef\.name: .* which does not exist/),
    ]);
  });
});

describe('a file that is not YAML', () => {
  const garbage = 'a: [1,\n';

  it('keeps the objects that it held, over several edits', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': documents(aProvider('hub'), anAlert('all')) });
    for (const edit of [garbage, `${garbage}b`, documents(garbage, anAlert('all')), garbage]) {
      const state = await write({ 'a.yaml': edit });
      expect(state).toMatchObject({ alerts: ['all'], providers: { 'default/hub': 'http://sink' } });
      expect(state.problems).toEqual([expect.stringMatching(/^a\.yaml:\d: document: expected YAML, found an error: /)]);
    }
    expect(await write({ 'a.yaml': anAlert('all', 'providerRef: {name: hub}, eventSources: []') })).toMatchObject({
      alerts: ['all'],
      providers: {},
    });
  });

  it('does not stand in the way of another definition', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aProvider('hub') });
    const state = await write({ 'a.yaml': garbage, 'b.yaml': aProvider('hub', 'type: cdevents, address: http://b') });
    expect(state.providers).toEqual({ 'default/hub': 'http://b' });
    expect(state.problems).toHaveLength(1);
  });

  it('takes what it held with it when it goes', async () => {
    const { write } = aFileSet();
    await write({ 'a.yaml': aProvider('hub') });
    await write({ 'a.yaml': garbage });
    expect(await write({ 'a.yaml': undefined })).toMatchObject({ providers: {}, problems: [] });
  });
});

it('a file that may not be read keeps what it said', async () => {
  const { write } = aFileSet();
  await write({ 'a.yaml': aProvider('hub') });
  expect(await write({ 'a.yaml': { unreadable: 'EACCES' } })).toMatchObject({
    providers: { 'default/hub': 'http://sink' },
    problems: ['a.yaml: file: expected a readable file, found EACCES'],
  });
  expect(await write({ 'a.yaml': aProvider('hub') })).toMatchObject({ differs: true, problems: [] });
});

describe('labels', () => {
  const release = (labels: string, version = 'helm.toolkit.fluxcd.io/v2') =>
    `apiVersion: ${version}\nkind: HelmRelease\nmetadata: {name: x, labels: ${labels}}\n`;
  const object = { kind: 'HelmRelease', namespace: 'default', name: 'x' };
  const helm = { ...object, apiVersion: 'helm.toolkit.fluxcd.io/v2beta1' };

  it('are those of the object file, whatever its version', async () => {
    const { set, write } = aFileSet();
    await write({ 'a.yaml': release('{team: a}') });
    expect(set.labels(helm)).toEqual({ team: 'a' });
    expect(set.labels(object)).toEqual({ team: 'a' });
    await write({ 'a.yaml': release('null') });
    expect(set.labels(helm)).toEqual({});
  });

  it('are not known without one', async () => {
    const { set, write } = aFileSet();
    await write({ 'a.yaml': release('{team: a}', 'example.com/v1') });
    expect(set.labels(helm)).toBeUndefined();
    expect(set.labels({ ...object, name: 'y' })).toBeUndefined();
  });

  it('make matchLabels evaluable', async () => {
    const { write } = aFileSet();
    const source = 'eventSources: [{kind: HelmRelease, name: "*", matchLabels: {team: a}}]';
    const alert = anAlert('all', `providerRef: {name: hub}, ${source}`);
    const files = { 'a.yaml': documents(aProvider('hub'), alert) };
    expect((await write(files)).problems).toEqual([expect.stringMatching(/matchLabels selects nothing/)]);
    expect((await write({ 'b.yaml': release('{}') })).problems).toEqual([]);
  });
});

it('an Alert of another Provider is not looked at', async () => {
  const alert = anAlert('all', 'providerRef: {name: hub}, eventSources: [], inclusionList: ["("]');
  const state = await aFileSet().write({ 'a.yaml': documents(aProvider('hub', 'type: slack'), alert) });
  expect(state).toMatchObject({ alerts: ['all'], providers: { 'default/hub': 'foreign' }, problems: [] });
});
