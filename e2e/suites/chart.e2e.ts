import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildManifests } from '../../packages/flux-cdevents/src/commands/manifests.ts';
import { documentsIn, type KubeObject } from '../api.ts';
import { kustomize } from '../render.ts';
import { describeOnCluster, sharedCluster, tools } from '../suite.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const CHART = join(DEPLOY, 'chart/flux-cdevents');
/** Labels that only a Helm release has. */
const HELM_LABELS = ['helm.sh/chart', 'app.kubernetes.io/version', 'app.kubernetes.io/managed-by'];

const byName = (objects: readonly object[]): Record<string, unknown> =>
  Object.fromEntries(
    (objects as KubeObject[]).map((object) => {
      const labels = Object.entries(object.metadata.labels ?? {}).filter(([name]) => !HELM_LABELS.includes(name));
      const metadata = { ...object.metadata, labels: Object.fromEntries(labels) };
      return [`${object.kind} ${metadata.name}`, { ...object, metadata }];
    }),
  );

describeOnCluster('the three ways to the manifests', () => {
  // Keep Helm's own files out of the home folder of the user.
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'flux-cdevents-helm-'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const helm = async (...args: string[]): Promise<string> => {
    const env = { PATH: process.env.PATH, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
    return (await promisify(execFile)(tools().helm, args, { env })).stdout;
  };
  const template = async (values: readonly string[], release = 'flux-cdevents', namespace = 'flux-system') =>
    documentsIn(
      await helm('template', release, CHART, '--namespace', namespace, ...values.flatMap((value) => ['--set', value])),
    );

  it.each<[components: string[], values: string[]]>([
    [[], []],
    [['forward'], ['forward.enabled=true']],
    [['webhook'], ['webhook.enabled=true']],
    [['mtls'], ['mtls.enabled=true']],
    [['token-review'], ['tokenReview.enabled=true']],
    [
      ['forward', 'mtls', 'token-review'],
      ['forward.enabled=true', 'mtls.enabled=true', 'tokenReview.enabled=true'],
    ],
  ])('lead to the same objects with %j', async (components, values) => {
    const folders = components.map((name) => `deploy/components/${name}`);
    const built = byName(await kustomize(tools(), { resources: ['deploy/base'], components: folders }));
    expect(Object.keys(built)).toHaveLength(8);
    expect(byName(await template(values))).toEqual(built);
    const own = buildManifests(
      join(DEPLOY, 'base'),
      components.map((name) => join(DEPLOY, 'components', name)),
    );
    expect(byName(own)).toEqual(built);
  });

  it('are a chart that lints', async () => {
    expect(await helm('lint', '--strict', CHART)).toContain('0 chart(s) failed');
  });

  it('make an API server content with every value set', async () => {
    const admin = sharedCluster();
    const objects = await template(
      [
        'cluster=eu-1,source=https://flux.example.com/{cluster},noCrossNamespaceRefs=true,logLevel=debug',
        `image.repository=registry.example.com/cdevents,image.digest=sha256:${'0'.repeat(64)}`,
        'image.pullSecrets[0].name=pull,priorityClassName=system-cluster-critical',
        'extraArgs[0]=--rate-limit-interval=10m,extraEnv[0].name=NO_PROXY,extraEnv[0].value=.svc',
        'forward.enabled=true,mtls.enabled=true,mtls.secretName=svid,tokenReview.enabled=true',
        'mtls.authorizedSpiffeIds[0]=spiffe://example.com/flux',
        'persistence.size=10Gi,persistence.storageClass=fast,persistence.annotations.a=b',
        'serviceAccount.annotations.a=b,service.annotations.a=b,podAnnotations.a=b,podLabels.a=b',
        'networkPolicy.eventsFrom[0].namespaceSelector.matchLabels.flux=yes',
        'tolerations[0].operator=Exists,affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution=null',
      ],
      'other',
    );
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(objects.map(() => 'other-flux-cdevents'));
    await admin.apply(objects);
    const deployment = JSON.stringify(objects.find(({ kind }) => kind === 'Deployment'));
    for (const part of [
      '--cluster=eu-1',
      '--source=https://flux.example.com/{cluster}',
      '--no-cross-namespace-refs',
      '--rate-limit-interval=10m',
      '--events-authorized-spiffe-id=spiffe://example.com/flux"',
      `registry.example.com/cdevents@sha256:${'0'.repeat(64)}`,
    ]) {
      expect(deployment).toContain(part);
    }
    expect(deployment).not.toContain('spiffe://cluster.local');
  });

  it('leave out what is switched off', async () => {
    const kinds = (
      await template([
        'rbac.create=false,networkPolicy.enabled=false,podDisruptionBudget.enabled=false,persistence.existingClaim=mine',
      ])
    ).map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(['Deployment', 'Service', 'ServiceAccount']);
  });

  it.each([
    [['forward.enabled=true,webhook.enabled=true'], 'not both'],
    [['replicas=2'], 'replicas'],
    [['logLevel=trace'], 'logLevel'],
  ])('refuse %j', (values, why) => expect(template(values)).rejects.toThrow(why));

  it('say what is to do next', async () => {
    const dry = ['install', 'flux-cdevents', CHART, '--namespace', 'flux-system', '--dry-run=client'];
    const [endpoint, webhook] = [await helm(...dry), await helm(...dry, '--set', 'webhook.enabled=true')];
    expect(endpoint).toContain('--events-addr=http://flux-cdevents.flux-system.svc.cluster.local./');
    expect(webhook).toContain('http://flux-cdevents.flux-system.svc.cluster.local./webhook/<its namespace>/<its name>');
  });
});
