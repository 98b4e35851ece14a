import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { RFC_ALERT } from '../../test/helpers/rfc-example.ts';
import { formatIssue } from '../diagnostics/format.ts';
import { parseAlert } from './parse-alert.ts';

const read = (yaml: string) => parseAlert(parse(yaml));
const issuesOf = (yaml: string) => read(yaml).issues.map(formatIssue);
const head = (version = 'v1') => `
apiVersion: notification.toolkit.fluxcd.io/${version}
kind: Alert
metadata: {name: all, namespace: apps}
`;

describe('parseAlert', () => {
  it('reads the example of the RFC', () => {
    expect(read(RFC_ALERT)).toEqual({
      value: {
        metadata: { namespace: 'flux-system', name: 'cdevents-alert' },
        spec: { providerRef: { name: 'cdevents-provider' }, eventSources: [{ kind: 'HelmRelease', name: '*' }] },
      },
      issues: [],
    });
  });

  it('reads every field', () => {
    const spec = {
      providerRef: { name: 'hub' },
      eventSources: [{ kind: 'Kustomization', name: 'apps', namespace: 'flux-system', matchLabels: { team: 'a' } }],
      eventSeverity: 'error',
      inclusionList: ['.*failed.*'],
      exclusionList: ['.*upgrade.*'],
      eventMetadata: { env: 'production' },
      suspend: true,
    };
    expect(read(`${head()}\nspec: ${JSON.stringify(spec)}`).value?.spec).toEqual(spec);
  });

  it.each([
    ['v1', undefined],
    ['v1beta3', 'Production'],
    ['v1beta2', 'Production'],
  ])('takes the summary of %s for %j', (version, summary) => {
    const { value } = read(`${head(version)}\nspec: {providerRef: {name: hub}, eventSources: [], summary: Production}`);
    expect(value?.spec.summary).toBe(summary);
  });

  it('leaves out nulls and unknown fields, and accepts every kind', () => {
    const yaml = `
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata: {name: all, labels: {a: b}}
spec:
  providerRef: {name: hub, kind: Provider}
  eventSources: [{kind: Newcomer, name: x, apiVersion: a/v1, namespace: null}]
  eventSeverity: null
  colour: red
status: {}
`;
    expect(read(yaml).value).toEqual({
      metadata: { namespace: 'default', name: 'all' },
      spec: { providerRef: { name: 'hub' }, eventSources: [{ kind: 'Newcomer', name: 'x' }] },
    });
  });

  it('leaves the document as it is', () => {
    const document = Object.freeze({ ...parse(head()), spec: Object.freeze({ providerRef: { name: 'a', b: null } }) });
    parseAlert(document);
    expect(document.spec.providerRef).toEqual({ name: 'a', b: null });
  });

  it('names every issue at once, more than a validator stops at', () => {
    const sources = Array.from({ length: 12 }, () => '{kind: HelmRelease, name: 5}').join(', ');
    const issues = issuesOf(`${head('v1beta1')}
spec:
  eventSources: [${sources}, {name: ''}]
  eventSeverity: warning
  inclusionList: text
  exclusionList: [1]
  eventMetadata: {a.b/c: 1}
  suspend: 'yes'
`);
    expect(issues).toContain(
      'apiVersion: expected notification.toolkit.fluxcd.io/v1, v1beta3 or v1beta2, found "notification.toolkit.fluxcd.io/v1beta1"',
    );
    expect(issues).toContain('spec.providerRef: expected a map, found nothing');
    expect(issues).toContain(
      'spec.eventSources[11].name: expected a name of 1 to 253 characters, or * (put it in quotes), found the number 5',
    );
    expect(issues).toContain('spec.eventSources[12].kind: expected a kind such as HelmRelease, found nothing');
    expect(issues).toContain('spec.eventSeverity: expected info or error, found "warning"');
    expect(issues).toContain('spec.inclusionList: expected a list, found "text"');
    expect(issues).toContain('spec.exclusionList[0]: expected a string (put it in quotes), found the number 1');
    expect(issues).toContain('spec.eventMetadata[a.b/c]: expected a string (put it in quotes), found the number 1');
    expect(issues).toContain('spec.suspend: expected true or false, found "yes"');
  });

  it.each([null, 'text', 5, [], {}])('refuses %j', (document) => {
    expect(parseAlert(document).value).toBeUndefined();
    expect(parseAlert(document).issues).not.toHaveLength(0);
  });
});
