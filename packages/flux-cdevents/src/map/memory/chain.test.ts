import { expect, it } from 'vitest';
import { aFluxEvent, aKustomizationEvent } from '../../../test/helpers/flux-events.ts';
import type { FluxEvent } from '../../flux/event.ts';
import { type Chain, nextChain } from './chain.ts';

/** The chain number of each event, counted from 1. */
function chainsOf(events: readonly FluxEvent[]): number[] {
  let count = 0;
  let before: Chain | undefined;
  return events.map((event) => {
    before = nextChain(event, {
      before,
      newId: () => {
        count += 1;
        return String(count);
      },
    });
    return Number(before.id);
  });
}

const helm = (reason: string, message = '') => aFluxEvent({ reason, message });
const remediation = 'Helm uninstall remediation for release apps/podinfo.v1 with chart podinfo@1.0.0 succeeded';
const removal = 'Helm uninstall succeeded for release apps/podinfo.v1 with chart podinfo@1.0.0';

it.each([
  ['a test belongs to its install', [helm('InstallSucceeded'), helm('TestSucceeded')], [1, 1]],
  ['each attempt starts a chain', [helm('UpgradeFailed'), helm('UpgradeFailed'), helm('UpgradeSucceeded')], [1, 2, 3]],
  ['a rollback belongs to its upgrade', [helm('UpgradeFailed'), helm('RollbackSucceeded')], [1, 1]],
  [
    'so does a rollback after a failed test',
    [helm('UpgradeSucceeded'), helm('TestFailed'), helm('RollbackSucceeded'), helm('UpgradeSucceeded')],
    [1, 1, 1, 2],
  ],
  [
    'an uninstall that repairs belongs to its install',
    [helm('InstallFailed'), helm('UninstallSucceeded', remediation), helm('InstallFailed')],
    [1, 1, 2],
  ],
  [
    'a removal and its repeats are one chain',
    [helm('InstallSucceeded'), helm('UninstallFailed', removal), helm('UninstallSucceeded', removal)],
    [1, 2, 2],
  ],
  ['a test without a known start', [helm('TestFailed'), helm('RollbackSucceeded')], [1, 1]],
  [
    'an object made anew starts anew',
    [helm('InstallSucceeded'), aFluxEvent({ reason: 'TestSucceeded', involvedObject: { uid: 'another' } })],
    [1, 2],
  ],
  [
    'a Kustomization: a revision is a chain',
    [
      aKustomizationEvent({ reason: 'Progressing', revision: 'a' }),
      aKustomizationEvent({ revision: 'a', commitStatus: true }),
      aKustomizationEvent({ reason: 'HealthCheckFailed', severity: 'error', revision: 'b' }),
      aKustomizationEvent({ revision: 'b', commitStatus: true }),
    ],
    [1, 1, 2, 2],
  ],
  [
    'its deletion is a chain',
    [
      aKustomizationEvent({ revision: 'a', commitStatus: true }),
      aKustomizationEvent({ revision: 'a', message: 'ConfigMap/apps/x deleted' }),
      aKustomizationEvent({ revision: 'a', commitStatus: true }),
    ],
    [1, 2, 2],
  ],
])('%s', (_, events, expected) => expect(chainsOf(events)).toEqual(expected));
