import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ConfigSnapshot } from '../../packages/flux-cdevents/src/config/config-source.ts';
import {
  createKubernetesSource,
  type KubernetesSource,
  type KubernetesSourceOptions,
} from '../../packages/flux-cdevents/src/config/kubernetes/kubernetes-source.ts';
import type { LabelsChange } from '../../packages/flux-cdevents/src/config/kubernetes/labels.ts';
import { formatIssue } from '../../packages/flux-cdevents/src/diagnostics/format.ts';
import { inClusterAccess } from '../../packages/flux-cdevents/src/kube-api/in-cluster.ts';
import { createKubeClient } from '../../packages/flux-cdevents/src/kube-api/kube-client.ts';
import { kubeconfigAccess } from '../../packages/flux-cdevents/src/kube-api/kubeconfig.ts';
import { mappingReader } from '../../packages/flux-cdevents/src/mapping/file/read-mapping.ts';
import { silentLogger } from '../../packages/flux-cdevents/src/observe/log.ts';
import type { Access, Api, KubeObject } from '../api.ts';
import { type Cluster, kubeconfigFor, startCluster } from '../cluster.ts';
import { notificationCrds } from '../fixtures/crds.ts';
import { addressSecret, aMappingObject, anAlertObject, aProviderObject } from '../fixtures/notifications.ts';
import { applyShipped, asController } from '../shipped.ts';
import { describeOnCluster, sharedCluster, tools } from '../suite.ts';
import { eventually } from '../wait.ts';

const NAMESPACE = 'source';
const named = (name: string) => ({ name, namespace: NAMESPACE });
const provider = (name: string, spec: object = {}) => aProviderObject(named(name), { address: 'http://hub', ...spec });
const mapped = (name: string, mapping: string) => aProviderObject(named(name), { address: 'http://hub' }, { mapping });
const alert = (name: string, spec?: Readonly<Record<string, unknown>>) =>
  anAlertObject({ ...named(name), provider: 'hub' }, spec);

/** A source and the snapshots that it published. */
interface Watched {
  readonly source: KubernetesSource;
  readonly snapshots: ConfigSnapshot[];
  readonly labelChanges: LabelsChange[];
  close(): Promise<void>;
}

/** Reads as the shipped ServiceAccount, with shorter intervals. */
async function watchConfig(access: Access, options: Partial<KubernetesSourceOptions> = {}): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-source-'));
  const file = join(folder, 'kubeconfig');
  writeFileSync(file, kubeconfigFor(access));
  const api = createKubeClient({ access: await kubeconfigAccess({ file }) });
  const snapshots: ConfigSnapshot[] = [];
  const labelChanges: LabelsChange[] = [];
  const source = createKubernetesSource({
    api,
    readMapping: mappingReader,
    logger: silentLogger(),
    referencesRefreshMs: 300,
    referencesRetryMs: 300,
    absentMs: 300,
    labelsMaxAgeMs: 300,
    onLabelsChange: (change) => labelChanges.push(change),
    ...options,
  });
  source.onChange((snapshot) => snapshots.push(snapshot));
  await source.start();
  return {
    source,
    snapshots,
    labelChanges,
    async close() {
      await source.close();
      await api.close();
      rmSync(folder, { recursive: true });
    },
  };
}

describeOnCluster('the configuration in an API server', () => {
  let admin: Api;
  let watched: Watched | undefined;
  beforeEach(async () => {
    admin = sharedCluster();
    await admin.namespace(NAMESPACE);
  });
  afterEach(async () => {
    await watched?.close();
    watched = undefined;
    for (const kind of ['Alert', 'Provider']) await admin.clear('notification.toolkit.fluxcd.io/v1', kind, NAMESPACE);
    for (const kind of ['Secret', 'ConfigMap']) await admin.clear('v1', kind, NAMESPACE);
    admin.close();
  });
  const start = async (options?: Partial<KubernetesSourceOptions>) => {
    watched = await watchConfig(await asController(admin), { namespace: NAMESPACE, ...options });
    return watched;
  };
  const statuses = ({ source }: Watched) =>
    Object.fromEntries([...(source.snapshot()?.providers ?? [])].map(([name, { status }]) => [name, status]));
  const problems = ({ source }: Watched) => source.snapshot()?.problems.map(formatIssue);
  const alertNames = ({ source }: Watched) =>
    source
      .snapshot()
      ?.alerts.map(({ metadata }) => metadata.name)
      .sort();

  it('is complete at the first snapshot, Secrets included', async () => {
    await admin.apply([
      provider('hub', { secretRef: { name: 'token' } }),
      provider('other', { type: 'slack', secretRef: { name: 'token' } }),
      addressSecret(named('token'), { token: 'x' }),
      alert('all'),
    ]);
    const config = await start();
    expect(config.snapshots).toHaveLength(1);
    expect(statuses(config)).toEqual({ 'source/hub': 'ready', 'source/other': 'foreign' });
    expect(alertNames(config)).toEqual(['all']);
    expect(config.source.waitsFor()).toEqual([]);
    expect(config.source.reference('Alert', named('all'))).toMatchObject({
      kind: 'Alert',
      apiVersion: 'notification.toolkit.fluxcd.io/v1',
      uid: expect.stringMatching(/-/),
    });
  });

  it('changes once for many changes in quick succession', async () => {
    await admin.apply([provider('hub')]);
    const config = await start();
    await Promise.all(Array.from({ length: 100 }, (_, index) => admin.apply([alert(`a-${index}`)])));
    await eventually(() => expect(alertNames(config)).toHaveLength(100));
    expect(config.snapshots.length).toBeLessThan(20);
    const before = config.snapshots.length;
    await admin.clear('notification.toolkit.fluxcd.io/v1', 'Alert', NAMESPACE);
    await eventually(() => expect(alertNames(config)).toEqual([]));
    expect(config.snapshots.length - before).toBeLessThan(20);
  });

  it('does not change with irrelevant fields, nor with a Secret that stays the same', async () => {
    const token = addressSecret(named('token'), { token: 'x' });
    const hub = provider('hub', { secretRef: { name: 'token' } });
    await admin.apply([token, hub, alert('all')]);
    const config = await start();
    await admin.patch(alert('all'), { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'now' } } });
    await admin.patch(hub, { metadata: { labels: { team: 'web' } } });
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // in which Secrets are read again, too
    expect(config.snapshots).toHaveLength(1);

    await admin.patch(token, { stringData: { token: 'y' } });
    await eventually(() => expect(config.snapshots).toHaveLength(2));
    const [before, after] = config.snapshots.map(({ providers }) => providers.get('source/hub'));
    expect(before).not.toEqual(after);
  });

  it('has a Secret that came, went and came again', async () => {
    const token = addressSecret(named('token'), { token: 'x' });
    await admin.apply([provider('hub', { secretRef: { name: 'token' } })]);
    const config = await start();
    expect(problems(config)).toEqual([expect.stringContaining('"token", which does not exist or cannot be read')]);
    await admin.apply([token]);
    await eventually(() => expect(statuses(config)).toEqual({ 'source/hub': 'ready' }));
    await admin.delete(token);
    await eventually(() => expect(statuses(config)).toEqual({ 'source/hub': 'invalid' }));
    await admin.apply([token]);
    await eventually(() => expect(statuses(config)).toEqual({ 'source/hub': 'ready' }));
  });

  it('reads Secrets at once on request, and when a Provider names another one', async () => {
    const token = addressSecret(named('token'), { address: 'http://one' });
    const hub = provider('hub', { secretRef: { name: 'token' } });
    await admin.apply([token, addressSecret(named('other'), { address: 'http://other' }), hub]);
    const config = await start({ referencesRefreshMs: 600_000 });
    const address = () => {
      const found = config.source.snapshot()?.providers.get('source/hub');
      return found?.status === 'ready' ? found.endpoint.address : found?.status;
    };
    await admin.patch(token, { stringData: { address: 'http://two' } });
    config.source.refresh(named('hub'));
    await eventually(() => expect(address()).toBe('http://two'));
    await admin.patch(hub, { spec: { secretRef: { name: 'other' } } });
    await eventually(() => expect(address()).toBe('http://other'));
    expect(config.snapshots.map(({ providers }) => providers.get('source/hub')?.status)).not.toContain('invalid');
  });

  it('waits for mappings at the first snapshot, and follows what becomes of them', async () => {
    const rules = (preset: string) => aMappingObject(named('rules'), `preset: ${preset}`);
    const hub = mapped('hub', 'rules');
    await admin.apply([rules('service'), hub]);
    const config = await start();
    expect(config.snapshots).toHaveLength(1);
    const preset = () => {
      const found = config.source.snapshot()?.providers.get('source/hub');
      return found?.status === 'ready' ? found.options.preset : found?.status;
    };
    expect(preset()).toBe('service');
    await admin.apply([rules('none')]);
    await eventually(() => expect(preset()).toBe('none'));
    await admin.apply([rules('servise')]);
    await eventually(() =>
      expect(problems(config)).toEqual([
        expect.stringMatching(
          /^Provider source\/hub: ConfigMap rules: mapping\.yaml:1:9: preset: .*did you mean service/,
        ),
      ]),
    );
    expect(preset()).toBe('invalid');
    await admin.delete(rules(''));
    await eventually(() =>
      expect(problems(config)).toEqual([expect.stringContaining('"rules", which does not exist or cannot be read')]),
    );
    await admin.apply([rules('service')]);
    await eventually(() => expect(preset()).toBe('service'));
    expect(problems(config)).toEqual([]);
  });

  it('reads a mapping at once when a Provider changes', async () => {
    const hub = mapped('hub', 'rules');
    await admin.apply([
      aMappingObject(named('rules'), 'preset: none'),
      aMappingObject(named('other'), 'preset: service'),
      hub,
    ]);
    const config = await start({ referencesRefreshMs: 600_000 });
    const preset = () => {
      const found = config.source.snapshot()?.providers.get('source/hub');
      return found?.status === 'ready' ? found.options.preset : found?.status;
    };
    expect(preset()).toBe('none');
    await admin.apply([aMappingObject(named('rules'), 'preset: rfc')]);
    await admin.patch(hub, { spec: { timeout: '7s' } });
    await eventually(() => expect(preset()).toBe('rfc'));
    await admin.apply([mapped('hub', 'other')]);
    await eventually(() => expect(preset()).toBe('service'));
    expect(config.snapshots.map(({ providers }) => providers.get('source/hub')?.status)).not.toContain('invalid');
  });

  it('ignores Providers of other types, and their Secrets', async () => {
    await admin.apply([provider('raw', { type: 'generic', secretRef: { name: 'no' } }), provider('hub')]);
    const config = await start({ handledTypes: ['cdevents'] });
    expect(statuses(config)).toEqual({ 'source/raw': 'foreign', 'source/hub': 'ready' });
    expect(problems(config)).toEqual([]);
  });

  it('reads labels in a version that is served, and says once that it cannot', async () => {
    const config = await start();
    const release = (name: string) => ({ kind: 'HelmRelease', ...named(name) });
    await admin.apply([
      {
        apiVersion: 'helm.toolkit.fluxcd.io/v2',
        ...{ kind: 'HelmRelease', metadata: { ...named('shop'), labels: { team: 'web' } } },
      } as KubeObject,
    ]);
    const labels = (name: string, apiVersion: string) => config.source.labels({ ...release(name), apiVersion });
    expect(await labels('shop', 'helm.toolkit.fluxcd.io/v2')).toEqual({ team: 'web' });
    expect(await labels('shop', 'helm.toolkit.fluxcd.io/v2beta1')).toEqual({ team: 'web' });
    expect(config.labelChanges).toEqual([]);
    for (let count = 0; count < 3; count++) {
      expect(await labels('nobody', 'helm.toolkit.fluxcd.io/v2')).toBeUndefined();
      await new Promise((resolve) => setTimeout(resolve, 350)); // longer than an answer is kept
    }
    expect(await labels('shop', 'example.com/v1')).toBeUndefined();
    expect(config.labelChanges.map((change) => 'error' in change && change.error)).toEqual([
      expect.stringMatching(/^404 NotFound: .*"nobody" not found/),
      'kind HelmRelease of example.com/v1 is not served by the API server',
    ]);
  });

  it('is read as a Pod reads it, with a ServiceAccount that the kubelet renews', async () => {
    await admin.apply([provider('hub')]);
    const { url, ca, token } = await asController(admin);
    const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-pod-'));
    const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
    write('ca.crt', ca);
    write('token', token);
    write('namespace', NAMESPACE);
    const { hostname, port } = new URL(url);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    const access = await inClusterAccess({ directory: folder, env });
    const api = createKubeClient({ access });
    const source = createKubernetesSource({
      api,
      readMapping: mappingReader,
      logger: silentLogger(),
      namespace: access.namespace ?? '',
    });
    try {
      await source.start();
      expect([...(source.snapshot()?.providers.keys() ?? [])]).toEqual(['source/hub']);
      write('token', (await asController(admin)).token);
      access.renew();
      await admin.apply([provider('other')]);
      await eventually(() => expect(source.snapshot()?.providers.size).toBe(2));
    } finally {
      await source.close();
      await api.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('is read with a token that came later, when the one before is refused', async () => {
    await admin.apply([provider('hub')]);
    const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-token-'));
    const access = await asController(admin);
    const kubeconfig = JSON.parse(kubeconfigFor(access)) as { users: object[] };
    const write = (token: string) => writeFileSync(join(folder, 'token'), token);
    write(access.token);
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, JSON.stringify({ ...kubeconfig, users: [{ name: 'e2e', user: { tokenFile: 'token' } }] }));
    const own = await kubeconfigAccess({ file });
    const api = createKubeClient({ access: own });
    const source = createKubernetesSource({
      api,
      readMapping: mappingReader,
      logger: silentLogger(),
      referencesRetryMs: 300,
      namespace: NAMESPACE,
    });
    try {
      await source.start();
      write('revoked');
      own.renew();
      expect((await api.request({ path: '/api/v1/namespaces/source/secrets/no' })).status).toBe(401);
      write(access.token);
      expect((await api.request({ path: '/api/v1/namespaces/source/secrets/no' })).status).toBe(404);
      await admin.apply([alert('later')]);
      await eventually(() => expect(source.snapshot()?.alerts).toHaveLength(1));
    } finally {
      await source.close();
      await api.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describeOnCluster('an API server that says less', () => {
  let cluster: Cluster;
  let watched: Watched | undefined;
  beforeEach(async () => {
    cluster = await startCluster(tools());
    await applyShipped(cluster.admin);
    await cluster.admin.namespace(NAMESPACE);
  });
  afterEach(async () => {
    await watched?.close();
    watched = undefined;
    await cluster.stop();
  });

  it('forbids a Secret and a ConfigMap: their Providers wait until they are allowed', async () => {
    const { admin } = cluster;
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'flux-cdevents' },
    };
    const { rules } = await admin.get<KubeObject & { rules: { resources: string[] }[] }>(role);
    await admin.patch(role, { rules: rules.filter(({ resources }) => !resources.includes('secrets')) });
    await admin.apply([
      addressSecret(named('token'), { token: 'x' }),
      aMappingObject(named('rules'), 'preset: service'),
      provider('hub', { secretRef: { name: 'token' } }),
      mapped('mapped', 'rules'),
      provider('open'),
    ]);
    watched = await watchConfig(await asController(admin));
    const { source } = watched;
    expect(source.snapshot()?.providers.get('source/open')?.status).toBe('ready');
    expect(source.snapshot()?.problems.map(formatIssue)).toEqual([
      'Secret source/token: expected permission to get it, found none: the API server forbids it',
      'ConfigMap source/rules: expected permission to get it, found none: the API server forbids it',
      expect.stringMatching(/^Provider source\/hub: spec\.secretRef\.name: /),
      expect.stringMatching(/^Provider source\/mapped: metadata\.annotations/),
    ]);
    await admin.patch(role, { rules });
    await eventually(() => expect(source.snapshot()?.problems).toEqual([]));
  });

  it('is away: that is a problem when it lasts, and nothing else changes', async () => {
    const { admin } = cluster;
    await admin.apply([provider('hub'), alert('all')]);
    watched = await watchConfig(await asController(admin));
    const { source } = watched;
    await cluster.killApiServer();
    await eventually(
      () =>
        expect(source.snapshot()?.problems.map(formatIssue)).toEqual([
          expect.stringMatching(/^API server: .*Alerts cannot be watched: connect ECONNREFUSED/),
          expect.stringMatching(/^API server: .*Providers cannot be watched: connect ECONNREFUSED/),
        ]),
      40_000,
    );
    expect(source.snapshot()?.alerts).toHaveLength(1);
    expect(source.snapshot()?.providers.get('source/hub')?.status).toBe('ready');
    await cluster.startApiServer();
    await eventually(() => expect(source.snapshot()?.problems).toEqual([]), 60_000);
  }, 120_000);

  it('loses the CRDs and has them again', async () => {
    const { admin } = cluster;
    await admin.apply([provider('hub'), alert('all')]);
    watched = await watchConfig(await asController(admin));
    const { source } = watched;
    expect(source.snapshot()?.alerts).toHaveLength(1);
    const crds = notificationCrds('2.10');
    for (const crd of crds) await admin.delete(crd);
    await eventually(() => expect(source.snapshot()?.alerts).toEqual([]));
    await eventually(() => expect(source.snapshot()?.providers.size).toBe(0));
    // A deletion that is still under way would remove the new one as well.
    for (const crd of crds) await eventually(() => expect(admin.get(crd)).rejects.toMatchObject({ status: 404 }));
    await admin.apply(crds);
    await eventually(() => admin.apply([provider('hub'), alert('again')]));
    await eventually(() => expect(source.snapshot()?.alerts[0]?.metadata.name).toBe('again'), 40_000);
    await eventually(() => expect(source.snapshot()?.providers.size).toBe(1), 40_000);
  }, 120_000);
});
