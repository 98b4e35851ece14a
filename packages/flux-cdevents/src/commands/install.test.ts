import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { runCommand } from '../../test/helpers/command-io.ts';
import { VERSION } from '../version.ts';
import { createInstallCommand } from './install.ts';
import { buildManifests, type Manifest, manifestsFolder } from './manifests.ts';

const install = (...argv: string[]) => runCommand(createInstallCommand, ['--export', ...argv]);
const printed = async (...argv: string[]): Promise<Manifest[]> => {
  const { code, stdout, stderr } = await install(...argv);
  expect([code, stderr]).toEqual([0, '']);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
};
// biome-ignore lint/suspicious/noExplicitAny: manifests are read freely here
const one = (manifests: readonly Manifest[], kind: string): any => manifests.find((manifest) => manifest.kind === kind);
const container = (manifests: readonly Manifest[]) => one(manifests, 'Deployment').spec.template.spec.containers[0];

describe('install --export', () => {
  it('prints the files of deploy/base', async () => {
    expect(await printed()).toEqual(buildManifests(`${manifestsFolder()}/base`));
  });

  it('says what it is', async () => {
    const { stdout } = await install('--components', 'forward,token-review', '--version', 'v9.9.9');
    expect(stdout).toMatch(
      /^# flux-cdevents v9\.9\.9\n# Components: forward, token-review\. .*\n---\napiVersion: v1\n/,
    );
  });

  it('goes into another namespace as a whole', async () => {
    const manifests = await printed('--namespace', 'gitops');
    for (const { metadata } of manifests) expect(metadata.namespace ?? 'gitops').toBe('gitops');
    expect(one(manifests, 'ClusterRole').metadata).not.toHaveProperty('namespace');
    expect(one(manifests, 'ClusterRoleBinding').subjects).toEqual([
      { kind: 'ServiceAccount', name: 'flux-cdevents', namespace: 'gitops' },
    ]);
    expect(JSON.stringify(manifests)).not.toContain('flux-system');
  });

  it.each([
    [[], `ghcr.io/flux-cdevents/flux-cdevents:v${VERSION}`],
    [['--version', '1.2.3'], 'ghcr.io/flux-cdevents/flux-cdevents:v1.2.3'],
    [['--version', 'main'], 'ghcr.io/flux-cdevents/flux-cdevents:main'],
    [['--image', 'registry:5000/flux/cdevents'], `registry:5000/flux/cdevents:v${VERSION}`],
    [['--image', 'registry.example.com/cdevents:test'], 'registry.example.com/cdevents:test'],
    [['--image', `registry.example.com/a@sha256:${'0'.repeat(64)}`], `registry.example.com/a@sha256:${'0'.repeat(64)}`],
  ])('%j runs %s', async (argv, image) => expect(container(await printed(...argv)).image).toBe(image));

  it('requests the given volume', async () => {
    const { spec } = one(await printed('--storage-class', 'fast', '--storage-size', '20Gi'), 'PersistentVolumeClaim');
    expect(spec).toMatchObject({ storageClassName: 'fast', resources: { requests: { storage: '20Gi' } } });
  });

  it('names the cluster', async () => {
    expect(container(await printed('--cluster', 'eu-1')).args.at(-1)).toBe('--cluster=eu-1');
  });

  it('adds components in their order, each once', async () => {
    const { args } = container(await printed('--components', 'mtls,forward,mtls'));
    expect(args.slice(-2)).toEqual([
      '--events-authorized-spiffe-id=spiffe://cluster.local/ns/$(RUNTIME_NAMESPACE)/sa/flux-operator',
      '--forward-to=http://notification-controller.$(RUNTIME_NAMESPACE).svc.cluster.local./',
    ]);
  });

  it('warns of a way in that nobody can use', async () => {
    expect(await printed('--components', 'webhook,token-review')).toHaveLength(8);
    const { code, stderr } = await install('--components', 'forward,token-review');
    expect([code, stderr]).toEqual([0, expect.stringContaining('the Flux controllers send no token')]);
  });

  it.each([
    [['--namespace', 'Flux'], '--namespace: '],
    [['--image', 'a b'], '--image: '],
    [['--image', 'a.example/b:c', '--version', 'v1'], '--version: '],
    [['--version', 'a:b'], '--version: '],
    [
      ['--components', 'forwards'],
      '--components: expected some of forward, webhook, mtls, token-review, found forwards',
    ],
    [['--components', 'forward,webhook'], '--components: '],
    [['--storage-class', '-'], '--storage-class: '],
    [['--storage-size', '1 GB'], '--storage-size: '],
    [['--cluster', '$(HOME)'], '--cluster: '],
  ])('%j is 2', async (argv, message) => {
    const { code, stdout, stderr } = await install(...argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^flux-cdevents: FCE_OPTION_INVALID: --.*\n$/);
    expect(stderr).toContain(message);
  });

  it('applies nothing, and says so', async () => {
    const { code, stderr } = await runCommand(createInstallCommand, []);
    expect([code, stderr]).toEqual([2, expect.stringContaining('kubectl apply -f -')]);
  });
});
