import { describe, expect, it } from 'vitest';
import { readAlert, readProvider } from '../../config/kubernetes/notification-objects.ts';
import { formatIssue } from '../../diagnostics/format.ts';
import { createIssue } from '../../diagnostics/issue.ts';
import type { ConfigMap } from '../../flux/config-map.ts';
import type { Secret } from '../../flux/secret.ts';
import { type ClusterObjects, judgeObjects, type ReadResult } from './configuration.ts';

const apiVersion = 'notification.toolkit.fluxcd.io/v1';
const hub = { namespace: 'apps', name: 'hub' };
const aProviderWith = (spec: object, annotations: Readonly<Record<string, string>> = {}) => ({
  name: hub,
  reading: readProvider(
    { apiVersion, kind: 'Provider', metadata: { ...hub, annotations }, spec: { type: 'cdevents', ...spec } },
    undefined,
  ),
});
const anAlertWith = (spec: object) => ({
  name: { namespace: 'apps', name: 'all' },
  reading: readAlert(
    {
      apiVersion,
      kind: 'Alert',
      metadata: { namespace: 'apps', name: 'all' },
      spec: { providerRef: { name: 'hub' }, eventSources: [{ kind: 'HelmRelease', name: '*' }], ...spec },
    },
    undefined,
  ),
});
const aSecretWith = (...keys: string[]): ReadResult<Secret> => ({
  status: 'found',
  value: { metadata: hub, data: Object.fromEntries(keys.map((key) => [key, Buffer.from('s3cret')])) },
});
const withSecret = { address: 'http://hub.example', secretRef: { name: 'hub' } };

const judge = (objects: Partial<ClusterObjects>, settings = { forwards: false, noCrossNamespaceRefs: false }) =>
  judgeObjects(
    { alerts: [], providers: [], secrets: new Map(), configMaps: new Map(), unread: [], ...objects },
    settings,
  );
const linesOf = (...args: Parameters<typeof judge>) =>
  judge(...args).findings.map(({ result, issue }) => `${result}: ${formatIssue(issue)}`);
const aConfigMapWith = (data: Record<string, string>): ReadResult<ConfigMap> => ({
  status: 'found',
  value: { metadata: { namespace: 'apps', name: 'rules' }, data, binaryKeys: [] },
});
const mappingIs = (answer: ReadResult<ConfigMap>) => ({
  providers: [aProviderWith({ address: 'http://hub.example' }, { 'cdevents.toolkit.fluxcd.io/mapping': 'rules' })],
  configMaps: new Map([['apps/rules', answer]]),
});
const secretIs = (answer: ReadResult<Secret>) => ({
  providers: [aProviderWith(withSecret)],
  secrets: new Map([['apps/hub', answer]]),
});

describe('judgeObjects', () => {
  it('is content with what is right', () => {
    const { findings, snapshot } = judge({ ...secretIs(aSecretWith('token')), alerts: [anAlertWith({})] });
    expect(findings).toEqual([]);
    expect(snapshot.providers.get('apps/hub')?.status).toBe('ready');
  });

  it.each([
    [
      'absent',
      { status: 'absent' },
      /^error: Provider apps\/hub: spec\.secretRef\.name: .*"hub", which does not exist/,
    ],
    ['without a key', aSecretWith('username'), /^error: Provider apps\/hub: Secret hub: password: expected a password/],
    ['with other keys', aSecretWith('passwort'), /^error: Provider apps\/hub: Secret hub: .* found only "passwort"$/],
    ['hidden', { status: 'refused', why: '403 Forbidden' }, /^warning: .* Secret hub: .*no answer: 403 Forbidden$/],
  ] as const)('tells of a Secret that is %s', (_, answer, line) => {
    const lines = linesOf(secretIs(answer));
    expect(lines).toEqual([expect.stringMatching(line)]);
    expect(lines.join()).not.toContain('s3cret');
  });

  it('tells of a malformed Secret and of the Provider that names it', () => {
    const issue = createIssue('invalid-value', ['data', 'token'], 'base64', '5 bytes that are not');
    expect(linesOf(secretIs({ status: 'malformed', issue })).map((line) => line.slice(0, 24))).toEqual([
      'error: Secret apps/hub: ',
      'error: Provider apps/hub',
    ]);
  });

  it.each<[string, ReadResult<ConfigMap>, RegExp, RegExp]>([
    [
      'absent',
      { status: 'absent' },
      /^error: Provider apps\/hub: metadata\.annotations\[.*mapping\]: .*"rules", which does not exist/,
      /^kubectl -n apps create configmap … --from-file=mapping\.yaml;/,
    ],
    [
      'without the key',
      aConfigMapWith({ rules: '' }),
      /^error: Provider apps\/hub: ConfigMap rules: expected the key mapping\.yaml in data, found the keys rules$/,
      /^kubectl -n apps edit configmap rules;/,
    ],
    [
      'wrong',
      aConfigMapWith({ 'mapping.yaml': 'rules: 5' }),
      /^error: Provider apps\/hub: ConfigMap rules: mapping\.yaml:1:8: rules: /,
      /^kubectl -n apps edit configmap rules;/,
    ],
    [
      'hidden',
      { status: 'refused', why: '403 Forbidden' },
      /^warning: Provider apps\/hub: ConfigMap rules: .*no answer: 403 Forbidden$/,
      /get this ConfigMap$/,
    ],
  ])('tells of a mapping that is %s, and what to do', (_, answer, line, fix) => {
    expect(linesOf(mappingIs(answer))).toEqual([expect.stringMatching(line)]);
    expect(judge(mappingIs(answer)).findings.map((finding) => finding.fix)).toEqual([expect.stringMatching(fix)]);
  });

  it('is content with a mapping that is right', () => {
    expect(linesOf(mappingIs(aConfigMapWith({ 'mapping.yaml': 'preset: service' })))).toEqual([]);
  });

  it('tells of annotations, shapes, expressions and Providers that are wrong', () => {
    const annotated = aProviderWith({ address: 'http://hub' }, { 'cdevents.toolkit.fluxcd.io/preset': 'none!' });
    expect(linesOf({ providers: [annotated] })).toEqual([expect.stringContaining('toolkit.fluxcd.io/preset]: ')]);
    expect(linesOf({ providers: [aProviderWith({ timeout: 15 })] })).toEqual([
      expect.stringContaining('spec.timeout: '),
    ]);
    const alert = anAlertWith({ inclusionList: ['('], providerRef: { name: 'hbu' } });
    expect(linesOf({ alerts: [alert] })).toEqual([
      expect.stringMatching(/^error: Alert apps\/all: spec\.providerRef\.name: .*"hbu", which does not exist$/),
      expect.stringMatching(/^error: Alert apps\/all: spec\.inclusionList\[0\]: /),
    ]);
  });

  it('holds the path of a webhook against the name of its Provider', () => {
    const posting = (path: string) => ({
      providers: [
        aProviderWith(
          { type: 'generic-hmac', address: `http://flux-cdevents.flux-system${path}`, secretRef: { name: 'hub' } },
          { 'cdevents.toolkit.fluxcd.io/address': 'http://hub.example' },
        ),
      ],
      secrets: new Map([['apps/hub', aSecretWith('token')]]),
    });
    expect(linesOf(posting('/webhook/apps/hub'))).toEqual([]);
    expect(linesOf(posting('/webhook/flux-system/hub'))).toEqual([
      'error: Provider apps/hub: spec.address: expected a path that ends with /webhook/apps/hub, found "/webhook/flux-system/hub"',
    ]);
  });

  it('leaves the other types to the notification-controller where events are passed on', () => {
    const generic = { providers: [aProviderWith({ type: 'generic', address: 'ftp://hub' })] };
    expect(linesOf(generic)).toHaveLength(1);
    expect(linesOf(generic, { forwards: true, noCrossNamespaceRefs: false })).toEqual([]);
  });

  it('says what to do', () => {
    const fixes = (objects: Partial<ClusterObjects>) => judge(objects).findings.map(({ fix }) => fix);
    expect(fixes(secretIs(aSecretWith('username')))).toEqual([
      expect.stringMatching(/^kubectl -n apps edit secret hub;/),
    ]);
    expect(fixes(secretIs({ status: 'absent' }))).toEqual([expect.stringMatching(/^kubectl -n apps create secret/)]);
    expect(fixes({ providers: [aProviderWith({ address: 'ftp://hub' })] })).toEqual([
      'kubectl -n apps edit provider hub',
    ]);
  });
});
