import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FluxEvent } from '../../packages/flux-cdevents/src/flux/event.ts';
import { cdeventIn, NOTIFICATION_V1BETA3, type Scene, startScene } from '../scene.ts';
import { describeOnCluster, sharedCluster } from '../suite.ts';
import { eventually } from '../wait.ts';

const ROLLOUT = join(import.meta.dirname, '../../packages/flux-cdevents/demo/rollout.jsonl');

/** The Provider of the RFC, in a version that Flux still serves, and an Alert that names it. */
const manifests = (address: string) => `apiVersion: v1
kind: Secret
metadata:
  name: generic-token
  namespace: story
stringData:
  token: s3cr3t
---
apiVersion: ${NOTIFICATION_V1BETA3}
kind: Provider
metadata:
  name: cdevents-provider
  namespace: story
spec:
  type: cdevents
  secretRef:
    name: generic-token
  address: ${address}
---
apiVersion: ${NOTIFICATION_V1BETA3}
kind: Alert
metadata:
  name: cdevents
  namespace: story
spec:
  providerRef:
    name: cdevents-provider
  eventSources:
    - kind: HelmRelease
      name: "*"
      namespace: apps
    - kind: Kustomization
      name: "*"
      namespace: flux-system
`;

describeOnCluster('a Provider of type cdevents and an Alert that names it', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({ admin: sharedCluster(), namespace: 'story' });
    await scene.admin.apply(manifests(scene.receiver.url));
    await scene.settled('cdevents');
  });
  afterAll(() => scene.close());

  it('make CDEvents of a whole rollout, those of an object in order', async () => {
    const events = readFileSync(ROLLOUT, 'utf8').trim().split('\n');
    for (const event of events) expect(await scene.controller.post(JSON.parse(event))).toBe(202);
    await eventually(async () => {
      const states = (await scene.controller.deliveries()).map(({ state }) => state);
      expect(states.length).toBeGreaterThan(0);
      expect(new Set(states)).toEqual(new Set(['delivered']));
    });
    const { requests } = scene.receiver;
    expect(requests.every(({ headers }) => headers.authorization === 'Bearer s3cr3t')).toBe(true);
    const received = requests.map((request) => {
      const { context, customData } = cdeventIn(request);
      const { involvedObject, reason } = (customData as { flux: FluxEvent }).flux;
      return { object: `${involvedObject.kind} ${involvedObject.name}`, what: `${reason}: ${context.type}` };
    });
    const of = (name: string) => received.flatMap(({ object, what }) => (object === name ? [what] : []));
    expect(of('HelmRelease podinfo')).toEqual([
      'InstallSucceeded: dev.cdevents.environment.modified.0.2.0',
      'UpgradeSucceeded: dev.cdevents.taskrun.finished.0.2.0',
      'TestSucceeded: dev.cdevents.testcaserun.finished.0.2.0',
      'UpgradeFailed: dev.cdevents.taskrun.finished.0.2.0',
      'RollbackSucceeded: dev.cdevents.taskrun.finished.0.2.0',
      'TestFailed: dev.cdevents.testcaserun.finished.0.2.0',
      'RollbackSucceeded: dev.cdevents.taskrun.finished.0.2.0',
    ]);
    expect(of('HelmRelease backend')).toEqual([
      'InstallSucceeded: dev.cdevents.environment.modified.0.2.0',
      'UninstallSucceeded: dev.cdevents.environment.modified.0.2.0',
    ]);
    expect(of('Kustomization infra')).toEqual(['ReconciliationFailed: dev.cdevents.incident.detected.0.2.0']);
  });

  it('show no secret in the log, the API or the metrics', async () => {
    const { controller } = scene;
    const shown = JSON.stringify([controller.log, await controller.providers(), await controller.scrape()]);
    expect(shown).toContain('cdevents-provider');
    expect(shown).not.toContain('s3cr3t');
  });
});
