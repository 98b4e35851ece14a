import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../../packages/flux-cdevents/test/helpers/receiver.ts';
import type { Access, Api, KubeObject } from '../api.ts';
import { type Cluster, kubeconfigFor, startCluster } from '../cluster.ts';
import { notificationCrds, stockCrds } from '../fixtures/crds.ts';
import { fluxDeployment } from '../fixtures/deployments.ts';
import { addressSecret, aMappingObject, anAlertObject, aProviderObject } from '../fixtures/notifications.ts';
import { kustomize } from '../render.ts';
import { NOTIFICATION_V1 } from '../scene.ts';
import { applyShipped, asController } from '../shipped.ts';
import { describeOnCluster, tools } from '../suite.ts';
import { eventually, freePorts } from '../wait.ts';

const BIN = join(import.meta.dirname, '../../packages/flux-cdevents/bin/flux-cdevents.js');
const GUIDE = join(import.meta.dirname, '../../docs/troubleshooting.md');
const APPS = 'apps';
/** Replaces the Kubernetes version with the one that the documentation shows. */
const withoutChance = (transcript: string): string =>
  transcript.replace(/Kubernetes v1\.\d+\.\d+/, 'Kubernetes v1.36.3');
const versionsOf = (crd: KubeObject | undefined): readonly unknown[] =>
  (crd?.spec as { versions: readonly unknown[] } | undefined)?.versions ?? [];
const aHelmRelease = (name: string, labels: Readonly<Record<string, string>> = {}): KubeObject => ({
  apiVersion: 'helm.toolkit.fluxcd.io/v2',
  kind: 'HelmRelease',
  metadata: { name, namespace: APPS, labels },
});

describeOnCluster('check --kubernetes', () => {
  let cluster: Cluster;
  let admin: Api;
  let receiver: Receiver;
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-check-'));
    receiver = await startReceiver();
    cluster = await startCluster(tools());
    admin = cluster.admin;
    await applyShipped(admin);
    await admin.namespace(APPS);
    await admin.apply(
      await kustomize(tools(), {
        resources: ['deploy/base'],
        objects: ['helm-controller', 'kustomize-controller', 'source-controller'].map(fluxDeployment),
        components: ['deploy/components/forward'],
      }),
    );
    // No controller runs Deployments here: set the status that one would.
    const status = { status: { replicas: 1, readyReplicas: 1 } };
    const path = '/apis/apps/v1/namespaces/flux-system/deployments/flux-cdevents/status';
    await admin.request('PATCH', path, status, 'application/merge-patch+json');
    await admin.apply([
      aHelmRelease('podinfo', { team: 'one' }),
      addressSecret({ name: 'hub', namespace: APPS }, { username: 'flux', password: 's3cret-pw' }),
      aProviderObject({ name: 'hub', namespace: APPS }, { address: receiver.url, secretRef: { name: 'hub' } }),
      anAlertObject(
        { name: 'all', namespace: APPS, provider: 'hub' },
        { eventSources: [{ kind: 'HelmRelease', name: '*', matchLabels: { team: 'one' } }] },
      ),
    ]);
  });
  afterEach(async () => {
    await receiver.close();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const check = async (access: Access, ...flags: string[]) => {
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigFor(access), { mode: 0o600 });
    const args = [BIN, 'check', '--kubernetes', '--kubeconfig', kubeconfig, ...flags];
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, args, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      });
    });
  };
  const lines = (text: string): string[] => text.trimEnd().split('\n');

  it('is content with a healthy cluster', async () => {
    const { code, stdout, stderr } = await check(admin.access);
    expect(lines(stdout)).toEqual([
      '► asking the API server',
      expect.stringMatching(/^✔ Kubernetes v1\.\d+\.\d+$/),
      '► checking the definitions of Provider and Alert',
      '✔ alerts.notification.toolkit.fluxcd.io: v1, v1beta3',
      '✔ providers.notification.toolkit.fluxcd.io: v1, v1beta3',
      '✔ Providers of v1 may have the type cdevents',
      '✔ Providers of v1beta3 may have the type cdevents',
      '► checking the installation',
      '✔ Deployment flux-system/flux-cdevents: ready',
      '✔ events come by forward: helm-controller, kustomize-controller, source-controller post to flux-cdevents',
      '► checking permissions',
      '✔ flux-system/flux-cdevents may list, watch alerts.notification.toolkit.fluxcd.io',
      '✔ flux-system/flux-cdevents may list, watch providers.notification.toolkit.fluxcd.io',
      '✔ flux-system/flux-cdevents may get secrets',
      '✔ flux-system/flux-cdevents may get configmaps',
      '✔ flux-system/flux-cdevents may create, patch events',
      '✔ flux-system/flux-cdevents may get helmreleases.helm.toolkit.fluxcd.io',
      '► checking Providers',
      `✔ Provider apps/hub: ${receiver.url} can be reached from here`,
      '► checking Alerts',
      '✔ Alert apps/all: selects HelmRelease apps/* (team=one)',
    ]);
    expect(stderr).toContain('15 checks: 0 errors, 0 warnings\n');
    expect(code).toBe(0);
    expect(receiver.requests).toEqual([]);
  });

  it('changes nothing, and takes the controller itself for what it is', async () => {
    const objects = async () => Promise.all(['Provider', 'Alert'].map((kind) => admin.list(NOTIFICATION_V1, kind)));
    const before = await objects();
    const { code, stdout } = await check(await asController(admin), '--json');
    const { findings, counts } = JSON.parse(stdout) as {
      findings: { area: string; result: string; text?: string; issue?: { found: string } }[];
      counts: { errors: number; warnings: number };
    };
    expect(await objects()).toEqual(before);
    expect(findings.filter(({ area }) => area === 'permissions').map(({ result }) => result)).toEqual(
      Array(6).fill('ok'),
    );
    // It may not create Providers, list Deployments or list HelmReleases, so what depends on them stays unknown.
    const warnings = findings.filter(({ result }) => result === 'warning');
    expect(warnings.map(({ area }) => area)).toEqual(['definitions', 'definitions', 'installation', 'Alerts']);
    for (const { issue } of warnings) expect(issue?.found).toMatch(/^no answer: 403 Forbidden: /);
    expect(counts).toEqual({ errors: 0, warnings: 4 });
    expect(code).toBe(0);
  });

  it('is content with the webhook beside a Flux that nothing was changed of', async () => {
    await Promise.all(['Provider', 'Alert'].map((kind) => admin.clear(NOTIFICATION_V1, kind, APPS)));
    await admin.apply(stockCrds('2.10'));
    await untilRefused('v1');
    await untilRefused('v1beta3');
    const hub = { name: 'hub', namespace: APPS };
    await admin.apply([
      ...['helm-controller', 'kustomize-controller', 'source-controller'].map(fluxDeployment),
      addressSecret(hub, { token: 's3cret-key' }),
      aProviderObject(
        hub,
        {
          type: 'generic-hmac',
          address: 'http://flux-cdevents.flux-system.svc.cluster.local./webhook/apps/hub',
          secretRef: { name: 'hub' },
        },
        { address: receiver.url },
      ),
      anAlertObject({ name: 'all', namespace: APPS, provider: 'hub' }),
    ]);
    const { code, stdout } = await check(admin.access);
    expect(lines(stdout).filter((line) => /^[✗⚠]/.test(line))).toEqual([]);
    expect(stdout).toContain('✔ Providers of v1 need no type cdevents: events come by the webhook\n');
    expect(stdout).toContain(
      '✔ events come by the webhook: the Flux controllers post to the notification-controller\n',
    );
    expect(stdout).toContain(`✔ Provider apps/hub: ${receiver.url} can be reached from here\n`);
    expect(code).toBe(0);
  });

  it('names five mistakes, how to fix them, and no secret', async () => {
    const [port = 0] = await freePorts(1);
    await admin.apply([
      // The key is misspelt.
      addressSecret({ name: 'hub', namespace: APPS }, { username: 'flux', passwort: 's3cret-pw' }),
      aProviderObject({ name: 'away', namespace: APPS }, { address: `http://127.0.0.1:${port}` }),
      anAlertObject(
        { name: 'typo', namespace: APPS, provider: 'away' },
        { eventSources: [{ kind: 'HelmRelease', name: 'podinof' }] },
      ),
    ]);
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'flux-cdevents' },
    };
    const { rules } = await admin.get<KubeObject & { rules: { resources: string[] }[] }>(role);
    await admin.patch(role, { rules: rules.filter(({ resources }) => !resources.includes('events')) });
    // The patch for Flux 2.9 on the definition of Flux 2.10: the second version lacks the type.
    const [crd, stock] = [notificationCrds('2.10'), stockCrds('2.10')].map(([first]) => first as KubeObject);
    const [patched, lacking] = [versionsOf(crd)[0], versionsOf(stock)[1]];
    await admin.patch(crd as KubeObject, { spec: { versions: [patched, lacking] } });
    await untilRefused('v1beta3');

    const { code, stdout, stderr } = await check(admin.access);
    const wrong = lines(stdout).filter((line) => /^([✗⚠]| {2})/.test(line));
    expect(wrong).toEqual([
      `✗ CustomResourceDefinition providers.notification.toolkit.fluxcd.io: v1beta3: spec.type: expected cdevents among the types, found a list without it`,
      '  to fix: add the type to every served version: deploy/components/provider-crd (Flux 2.9: provider-crd-flux-2.9); or use the webhook, which needs no such type',
      '✗ ServiceAccount flux-system/flux-cdevents: events: expected permission to create, patch, found none to create, patch',
      '  to fix: apply deploy/base/cluster-role.yaml, which grants it; the binding is deploy/base/cluster-role-binding.yaml',
      '✗ Provider apps/hub: Secret hub: password: expected a password next to username, found nothing',
      '  to fix: kubectl -n apps edit secret hub; its keys: docs/options.md, Secrets of a Provider',
      `✗ Provider apps/away: spec.address: expected a connection to http://127.0.0.1:${port}, found ECONNREFUSED (probed from here)`,
      '  to fix: start the receiver, or correct the address; if only the cluster reaches it: --no-address-probe',
      '⚠ Alert apps/typo: spec.eventSources: expected an object that it selects: HelmRelease apps/podinof, found none in this cluster',
      '  to fix: compare kind, name, namespace and labels: kubectl get <kind> -A --show-labels',
    ]);
    expect(stderr).toContain('17 checks: 4 errors, 1 warning\n');
    expect(code).toBe(1);
    expect(stdout + stderr).not.toContain('s3cret');
    expect(stdout + stderr).not.toContain(Buffer.from('s3cret-pw').toString('base64'));
    // The documentation shows exactly this output.
    expect(readFileSync(GUIDE, 'utf8')).toContain(withoutChance(stdout.replaceAll(String(port), '5000')));

    expect((await check(admin.access, '--no-address-probe')).stderr).toContain('17 checks: 3 errors, 1 warning\n');
  });

  it('holds mappings to their rules', async () => {
    const hub = { name: 'hub', namespace: APPS };
    await admin.apply([
      aMappingObject({ name: 'rules', namespace: APPS }, 'preset: service\nenable: [drifd]\n'),
      aMappingObject({ name: 'fine', namespace: APPS }, 'preset: service\nenable: [drift]\n'),
      aProviderObject(hub, { address: receiver.url }, { mapping: 'rules' }),
      aProviderObject({ ...hub, name: 'mapped' }, { address: receiver.url }, { mapping: 'fine' }),
      aProviderObject({ ...hub, name: 'other' }, { address: receiver.url }, { mapping: 'rulez' }),
    ]);
    const { code, stdout } = await check(admin.access);
    expect(lines(stdout).filter((line) => /^([✗⚠]| {2})/.test(line))).toEqual([
      expect.stringMatching(
        /^✗ Provider apps\/hub: ConfigMap rules: mapping\.yaml:2:10: enable\[0\]: .*\(did you mean drift\?\), found "drifd"$/,
      ),
      '  to fix: kubectl -n apps edit configmap rules; its rules: docs/mapping.md',
      expect.stringMatching(
        /^✗ Provider apps\/other: metadata\.annotations\[.*mapping\]: .*"rulez", which does not exist/,
      ),
      '  to fix: kubectl -n apps create configmap … --from-file=mapping.yaml; its rules: docs/mapping.md',
    ]);
    expect(stdout).toContain(`✔ Provider apps/mapped: ${receiver.url} can be reached from here\n`);
    expect(code).toBe(1);
  });

  it('says so in one line when it may not ask at all', async () => {
    const { code, stdout } = await check({ ...admin.access, token: 'wrong' });
    expect(lines(stdout)).toEqual([
      '► asking the API server',
      expect.stringMatching(/^✗ API server https:.*: expected an answer, found 401 Unauthorized/),
      expect.stringMatching(/^ {2}to fix: /),
    ]);
    expect(code).toBe(1);
  });

  /** A changed schema takes effect after a moment. */
  const untilRefused = (version: string) =>
    eventually(async () => {
      const provider = aProviderObject({ name: 'probe', namespace: APPS }, { address: 'http://hub' });
      const apiVersion = `notification.toolkit.fluxcd.io/${version}`;
      const path = `/apis/${apiVersion}/namespaces/${APPS}/providers?dryRun=All`;
      await expect(admin.request('POST', path, { ...provider, apiVersion })).rejects.toThrow('Unsupported value');
    });
});
