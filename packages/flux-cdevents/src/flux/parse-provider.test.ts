import { describe, expect, it } from 'vitest';
import { formatIssue } from '../diagnostics/format.ts';
import { parseProvider } from './parse-provider.ts';

const aDocument = (spec: object, metadata: object = {}) => ({
  apiVersion: 'notification.toolkit.fluxcd.io/v1',
  kind: 'Provider',
  metadata: { name: 'hub', namespace: 'flux-system', ...metadata },
  spec,
});
const issuesOf = (spec: object, metadata: object = {}) =>
  parseProvider(aDocument(spec, metadata)).issues.map(formatIssue);

describe('parseProvider', () => {
  it('reads every field that matters', () => {
    const spec = {
      type: 'cdevents',
      address: 'http://10.100.0.17:5000',
      username: 'flux',
      timeout: '1m30s',
      proxy: 'http://proxy:3128',
      secretRef: { name: 'a' },
      certSecretRef: { name: 'b' },
      proxySecretRef: { name: 'c' },
      suspend: true,
    };
    const annotations = { 'cdevents.toolkit.fluxcd.io/preset': 'rfc' };
    expect(parseProvider(aDocument({ ...spec, interval: '1h', channel: 'x' }, { annotations, labels: {} }))).toEqual({
      value: { metadata: { name: 'hub', namespace: 'flux-system', annotations }, spec },
      issues: [],
    });
  });

  it('takes a missing namespace for default', () => {
    const { value } = parseProvider(aDocument({ type: 'slack' }, { namespace: undefined }));
    expect(value?.metadata).toEqual({ namespace: 'default', name: 'hub' });
  });

  it.each(['15s', '1m30s', '500ms', '1.5s'])('takes the timeout %s', (timeout) =>
    expect(issuesOf({ type: 'cdevents', timeout })).toEqual([]),
  );

  it.each(['1h', '15', '', '-1s', '1 s'])('refuses the timeout %j, as the CRD does', (timeout) =>
    expect(issuesOf({ type: 'cdevents', timeout })).toEqual([
      `spec.timeout: expected a duration of ms, s and m such as 1m30s, found ${timeout === '' ? '""' : `"${timeout}"`}`,
    ]),
  );

  it('says what an unquoted number in an annotation lacks', () => {
    const annotations = { 'cdevents.toolkit.fluxcd.io/spec-version': 0.4 };
    expect(issuesOf({ type: 'cdevents' }, { annotations })).toEqual([
      'metadata.annotations[cdevents.toolkit.fluxcd.io/spec-version]: ' +
        'expected a string (put it in quotes), found the number 0.4',
    ]);
  });

  it('names every issue at once', () => {
    expect(issuesOf({ secretRef: {}, username: 'x'.repeat(2049), suspend: 1 }, { name: 'Not A Name' })).toEqual([
      'metadata.name: expected a name of at most 253 lower case letters, digits, - and ., found "Not A Name"',
      'spec.type: expected a Provider type such as cdevents, found nothing',
      expect.stringContaining('spec.username: expected a string of at most 2,048 characters, found "xxx'),
      'spec.secretRef.name: expected the name of an object, found nothing',
      'spec.suspend: expected true or false, found the number 1',
    ]);
  });
});
