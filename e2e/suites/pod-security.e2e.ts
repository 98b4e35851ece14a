import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { buildManifests } from '../../packages/flux-cdevents/src/commands/manifests.ts';
import { describeOnCluster, sharedCluster } from '../suite.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const NAMESPACE = 'restricted';

interface PodSpec {
  readonly containers: readonly { readonly securityContext: object }[];
}
const podOf = (...components: string[]): PodSpec => {
  const folders = components.map((name) => join(DEPLOY, 'components', name));
  const [deployment] = buildManifests(join(DEPLOY, 'base'), folders).filter(({ kind }) => kind === 'Deployment');
  if (!deployment) throw new Error('no Deployment');
  return (deployment.spec as { template: { spec: PodSpec } }).template.spec;
};

describeOnCluster('a namespace that enforces the Pod Security Standard restricted', () => {
  const create = (spec: PodSpec) =>
    sharedCluster().request('POST', `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'flux-cdevents' },
      spec,
    });

  beforeAll(async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await sharedCluster().apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } }]);
  });

  it.each([[], ['mtls']])('takes our pod with %j', async (...components) => {
    await create(podOf(...components));
  });

  it('would refuse one that is less locked down', async () => {
    const { containers, ...pod } = podOf();
    const loose = containers.map((container) => ({ ...container, securityContext: {} }));
    await expect(create({ ...pod, containers: loose })).rejects.toThrow('restricted');
  });
});
