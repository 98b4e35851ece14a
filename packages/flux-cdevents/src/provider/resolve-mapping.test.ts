import { describe, expect, it, vi } from 'vitest';
import { faultsOf } from '../../test/helpers/resolve.ts';
import { formatFault } from '../diagnostics/format.ts';
import { createIssue, type Issue, type Path } from '../diagnostics/issue.ts';
import { type ConfigMap, parseConfigMap } from '../flux/config-map.ts';
import type { Provider } from '../flux/provider.ts';
import type { MappingReader } from './provider.ts';
import { OPTION_PREFIX } from './provider-options.ts';
import { configMapNamesOf, resolveProvider } from './resolve-provider.ts';

const TEXT = 'rules: []';
const aConfigMap = (data: Record<string, string> = { 'mapping.yaml': TEXT }): ConfigMap => ({
  metadata: { namespace: 'flux-system', name: 'rules' },
  data,
  binaryKeys: [],
});
const aProvider = (annotations: Record<string, string> = { mapping: 'rules' }, spec: object = {}): Provider => ({
  metadata: {
    namespace: 'flux-system',
    name: 'hub',
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [OPTION_PREFIX + key, value])),
  },
  spec: { type: 'cdevents', address: 'http://sink:5000/', ...spec },
});
const inMapping = (path: Path, expected: string, found: string, line: number, column: number): Issue => ({
  ...createIssue('invalid-value', path, expected, found),
  textPlace: { file: 'mapping.yaml', line, column },
});
const fine: MappingReader = () => ({ header: {}, issues: [] });

const resolve = (provider: Provider, configMap: ConfigMap | undefined = aConfigMap(), readMapping = fine) =>
  resolveProvider(provider, { secret: () => undefined, configMap: () => configMap, readMapping });
const optionsOf = (...args: Parameters<typeof resolve>) => {
  const resolved = resolve(...args);
  return resolved.status === 'ready' ? resolved.options : undefined;
};
const issuesOf = (...args: Parameters<typeof resolve>) => faultsOf(resolve(...args));

describe('the mapping of a Provider', () => {
  it('is the text of its ConfigMap', () => {
    expect(optionsOf(aProvider())).toMatchObject({ mapping: { name: 'rules', text: TEXT }, preset: 'rfc' });
    expect(optionsOf(aProvider({}))).not.toHaveProperty('mapping');
  });

  it.each<[string, Record<string, string>, object, object]>([
    ['defaults', {}, {}, { specVersion: '0.4', preset: 'rfc' }],
    [
      'what the mapping says of itself',
      {},
      { specVersion: '0.5', preset: 'none' },
      { specVersion: '0.5', preset: 'none' },
    ],
    [
      'what annotations say',
      { preset: 'service', 'spec-version': '0.3' },
      { specVersion: '0.5', preset: 'none' },
      { specVersion: '0.3', preset: 'service' },
    ],
    ['each for itself', { preset: 'service' }, { specVersion: '0.5' }, { specVersion: '0.5', preset: 'service' }],
  ])('goes with %s', (_, annotations, header, expected) => {
    const readMapping = vi.fn<MappingReader>(() => ({ header, issues: [] }));
    expect(optionsOf(aProvider({ mapping: 'rules', ...annotations }), aConfigMap(), readMapping)).toMatchObject(
      expected,
    );
    const { preset, 'spec-version': specVersion } = annotations;
    expect(readMapping).toHaveBeenCalledWith(TEXT, { ...(specVersion && { specVersion }), ...(preset && { preset }) });
  });

  it.each<[string, ConfigMap | undefined, string]>([
    [
      'no ConfigMap',
      undefined,
      `metadata.annotations[${OPTION_PREFIX}mapping]: expected the name of a ConfigMap in the Provider's namespace, found "rules", which does not exist or cannot be read`,
    ],
    ['no key', aConfigMap({}), 'ConfigMap rules: expected the key mapping.yaml in data, found no keys'],
    [
      'a misspelt key',
      aConfigMap({ 'mapping.yml': TEXT }),
      'ConfigMap rules: expected the key mapping.yaml in data, found the key mapping.yml',
    ],
    [
      'binary data',
      { ...aConfigMap({}), binaryKeys: ['mapping.yaml'] },
      'ConfigMap rules: expected the key mapping.yaml in data, found it in binaryData',
    ],
  ])('that is %s is an issue', (_, configMap, message) => {
    const resolved = resolveProvider(aProvider(), {
      secret: () => undefined,
      configMap: () => configMap,
      readMapping: fine,
    });
    expect(resolved).toMatchObject({ status: 'invalid' });
    expect(resolved.status === 'invalid' && resolved.issues.map(formatFault)).toEqual([message]);
  });

  it('names every issue of its text, and those of the Provider', () => {
    const issues = [0, 1].map((index) => inMapping(['rules', index], 'a', 'b', 2, 3));
    const provider = aProvider({ mapping: 'rules', ordering: 'fifo' });
    expect(issuesOf(provider, aConfigMap(), () => ({ header: {}, issues }))).toEqual([
      `metadata.annotations[${OPTION_PREFIX}ordering]: expected object or none, found "fifo"`,
      'ConfigMap rules: mapping.yaml:2:3: rules[0]: expected a, found b',
      'ConfigMap rules: mapping.yaml:2:3: rules[1]: expected a, found b',
    ]);
  });

  it('names every issue of one place, for a Provider of the webhook too', () => {
    const issues = ['a', 'b'].map((expected) => inMapping(['rules', 0], expected, 'c', 2, 3));
    const provider = aProvider(
      { mapping: 'rules', address: 'http://x', 'webhook-auth': 'none' },
      { type: 'generic-hmac' },
    );
    expect(issuesOf(provider, aConfigMap(), () => ({ header: {}, issues }))).toEqual([
      'ConfigMap rules: mapping.yaml:2:3: rules[0]: expected a, found c',
      'ConfigMap rules: mapping.yaml:2:3: rules[0]: expected b, found c',
    ]);
  });

  it('holds unmapped: custom against the version that the mapping asks for', () => {
    const provider = aProvider({ mapping: 'rules', unmapped: 'custom' });
    expect(issuesOf(provider, aConfigMap(), () => ({ header: { specVersion: '0.3' }, issues: [] }))).toEqual([
      `metadata.annotations[${OPTION_PREFIX}unmapped]: expected skip with spec-version 0.3, which has no custom events, found custom`,
    ]);
  });

  it('goes for a Provider of the webhook as well', () => {
    const provider = aProvider(
      { mapping: 'rules', address: 'http://hub', 'webhook-auth': 'none' },
      { type: 'generic-hmac' },
    );
    const wrong: MappingReader = () => ({
      header: {},
      issues: [inMapping(['rules'], 'a list', 'a number', 1, 8)],
    });
    expect(optionsOf(provider)).toMatchObject({ mapping: { name: 'rules', text: TEXT } });
    expect(issuesOf(provider, aConfigMap(), wrong)).toEqual([
      'ConfigMap rules: mapping.yaml:1:8: rules: expected a list, found a number',
    ]);
  });

  it('changes the fingerprint with its text', () => {
    const fingerprint = (text: string) => {
      const resolved = resolve(aProvider(), aConfigMap({ 'mapping.yaml': text }));
      return resolved.status === 'ready' ? resolved.fingerprint : undefined;
    };
    expect(fingerprint('a')).toBe(fingerprint('a'));
    expect(fingerprint('a')).not.toBe(fingerprint('b'));
  });

  it('is read once, however many Providers name it', () => {
    const configMap = aConfigMap();
    const readMapping = vi.fn(fine);
    for (let count = 0; count < 3; count++) resolve(aProvider(), configMap, readMapping);
    expect(readMapping).toHaveBeenCalledTimes(1);
    resolve(aProvider({ mapping: 'rules', preset: 'none' }), configMap, readMapping);
    expect(readMapping).toHaveBeenCalledTimes(2);
  });

  it('counts only where CDEvents are made', () => {
    const raw = aProvider({ mapping: 'rules' }, { type: 'generic' });
    expect(configMapNamesOf(raw)).toEqual([]);
    expect(optionsOf(raw)).not.toHaveProperty('mapping');
    expect(configMapNamesOf(aProvider())).toEqual(['rules']);
    expect(configMapNamesOf(aProvider({ mapping: 'rules', address: 'http://x' }, { type: 'generic-hmac' }))).toEqual([
      'rules',
    ]);
  });
});

it.each([
  ['data of numbers', { metadata: { name: 'a' }, data: { x: 1 } }, 'data.x: expected a string, found a number'],
  [
    'data that is a list',
    { metadata: { name: 'a' }, data: [] },
    'data: expected a map of keys to values, found something else',
  ],
  ['no name', { data: {} }, 'metadata.name: expected the name of the ConfigMap, found nothing'],
])('a ConfigMap with %s is malformed', (_, document, message) =>
  expect(parseConfigMap(document).issues.map(formatFault)).toEqual([message]),
);
