import { describe, expect, it } from 'vitest';
import { formatFault } from '../diagnostics/format.ts';
import type { ProviderOptions } from './provider.ts';
import { DEFAULT_OPTIONS, OPTION_PREFIX, parseProviderOptions } from './provider-options.ts';

const read = (name: string, value: string) => parseProviderOptions({ [OPTION_PREFIX + name]: value });
const messageFor = (name: string, value: string) => read(name, value).issues.map(formatFault).join('\n');

describe('parseProviderOptions', () => {
  it('fills in the defaults', () => {
    const other = { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' };
    expect(parseProviderOptions(other)).toEqual({ options: DEFAULT_OPTIONS, given: {}, issues: [] });
    expect(parseProviderOptions(undefined).options).toEqual({
      specVersion: '0.4',
      preset: 'rfc',
      unmapped: 'skip',
      contentMode: 'binary',
      maxAgeMs: 86_400_000,
      ordering: 'object',
      unchanged: 'skip',
    });
  });

  it.each<[string, string, Partial<ProviderOptions>]>([
    ['spec-version', '0.3', { specVersion: '0.3' }],
    ['spec-version', '0.4', { specVersion: '0.4' }],
    ['spec-version', '0.5', { specVersion: '0.5' }],
    ['preset', 'rfc', { preset: 'rfc' }],
    ['preset', 'service', { preset: 'service' }],
    ['preset', 'none', { preset: 'none' }],
    ['mapping', 'rules', {}],
    ['unmapped', 'custom', { unmapped: 'custom' }],
    ['unmapped', 'skip', { unmapped: 'skip' }],
    ['content-mode', 'binary', { contentMode: 'binary' }],
    ['content-mode', 'structured', { contentMode: 'structured' }],
    ['content-mode', 'batched', { contentMode: 'batched' }],
    ['source', '/{cluster}/flux/{reportingController}', { source: '/{cluster}/flux/{reportingController}' }],
    ['source', 'https://flux.example.com/{kind}/{namespace}/{name}#x', {}],
    ['source', 'urn:flux:{cluster}', { source: 'urn:flux:{cluster}' }],
    ['source', 'relative/path', { source: 'relative/path' }],
    ['source', '//host/path?a=%20b', { source: '//host/path?a=%20b' }],
    ['cluster', 'staging 1', { cluster: 'staging 1' }],
    ['max-age', '24h', { maxAgeMs: 86_400_000 }],
    ['max-age', '1h30m', { maxAgeMs: 5_400_000 }],
    ['ordering', 'none', { ordering: 'none' }],
    ['unchanged', 'send', { unchanged: 'send' }],
    ['address', 'https://sink.example.com/cdevents', {}],
    ['secret', 'sink-token', {}],
    ['webhook-auth', 'hmac', {}],
    ['webhook-auth', 'none', {}],
  ])('%s: %s', (name, value, expected) => {
    const { options, issues } = read(name, value);
    expect(issues).toEqual([]);
    expect(options).toMatchObject(expected);
  });

  it.each([
    ['spec-version', '0.4.1', 'expected 0.4, 0.3 or 0.5, found "0.4.1"'],
    ['preset', 'RFC', 'expected rfc, service or none, found "RFC"'],
    ['mapping', 'Rules.yaml', 'expected the name of a ConfigMap, found "Rules.yaml"'],
    ['unmapped', '', 'expected skip or custom, found ""'],
    ['content-mode', 'batch', 'expected binary, structured or batched, found "batch"'],
    [
      'source',
      '/{cluster}/{pod}',
      'expected only the placeholders {cluster}, {reportingController}, {namespace}, {name}, {kind}, found "/{cluster}/{pod}"',
    ],
    ['source', '/a b', 'expected a URI-reference (RFC 3986), found "/a b"'],
    ['source', '/a{', 'expected a URI-reference (RFC 3986), found "/a{"'],
    ['source', '/100%', 'expected a URI-reference (RFC 3986), found "/100%"'],
    ['source', '', 'expected a URI-reference (RFC 3986), found ""'],
    ['source', '1a:b', 'expected a URI-reference (RFC 3986), found "1a:b"'],
    ['cluster', ' ', 'expected the name of a cluster, found " "'],
    ['max-age', '1d', 'expected a duration over 0 such as 24h or 1h30m, found "1d"'],
    ['max-age', '0s', 'expected a duration over 0 such as 24h or 1h30m, found "0s"'],
    ['max-age', '-1h', 'expected a duration over 0 such as 24h or 1h30m, found "-1h"'],
    ['ordering', 'fifo', 'expected object or none, found "fifo"'],
    ['unchanged', 'drop', 'expected skip or send, found "drop"'],
    ['address', 'sink:8080', 'expected an absolute http or https URL, found "sink:8080"'],
    ['address', 'ftp://u:p@sink', 'expected an absolute http or https URL, found ftp://…'],
    ['secret', 'Sink Token', 'expected the name of a Secret, found "Sink Token"'],
    ['webhook-auth', 'basic', 'expected hmac or none, found "basic"'],
  ])('%s: %j is an issue', (name, value, message) => {
    expect(messageFor(name, value)).toBe(`metadata.annotations[${OPTION_PREFIX}${name}]: ${message}`);
    expect(read(name, value).options).toEqual(DEFAULT_OPTIONS);
  });

  it('names the annotation that was meant', () => {
    expect(messageFor('specversion', '0.5')).toMatch(
      /\[cdevents\.toolkit\.fluxcd\.io\/specversion\]: .*spec-version, preset, .*\(did you mean spec-version\?\), found "0\.5"$/,
    );
    expect(messageFor('colour', 'red')).not.toContain('did you mean');
  });

  it.each(['constructor', '__proto__', 'toString'])('does not know %s', (name) =>
    expect(parseProviderOptions(Object.fromEntries([[OPTION_PREFIX + name, 'x']])).issues).toHaveLength(1),
  );

  it('names every issue at once', () => {
    const { issues } = parseProviderOptions({
      [`${OPTION_PREFIX}preset`]: 'x',
      [`${OPTION_PREFIX}ordering`]: 'x',
      [`${OPTION_PREFIX}y`]: 'x',
    });
    expect(issues).toHaveLength(3);
  });

  it('reports what annotations set, which a mapping cannot change', () => {
    const annotations = { [`${OPTION_PREFIX}preset`]: 'service', [`${OPTION_PREFIX}mapping`]: 'rules' };
    expect(parseProviderOptions(annotations)).toMatchObject({ given: { preset: 'service' }, mapping: 'rules' });
    expect(parseProviderOptions({ [`${OPTION_PREFIX}preset`]: 'servce' })).toMatchObject({ given: {} });
  });
});
