import { expect, it } from 'vitest';
import { aFluxEvent, aKustomizationEvent } from '../../../test/helpers/flux-events.ts';
import type { FluxEvent } from '../../flux/event.ts';
import { afterAnnouncement, isUnchanged } from './announcement.ts';
import type { ProviderMemory } from './memory.ts';

/** Which of the events are news to a Provider that got the ones before. */
function newsIn(events: readonly FluxEvent[]): boolean[] {
  let memory: ProviderMemory = {};
  return events.map((event) => {
    const isNews = !isUnchanged(event, memory);
    memory = afterAnnouncement(event, memory);
    return isNews;
  });
}

const finished = (revision: string, uid = '1') =>
  aKustomizationEvent({ revision, commitStatus: true, involvedObject: { uid } });
const changed = aKustomizationEvent({ reason: 'Progressing', message: 'ConfigMap/apps/x configured', revision: 'a' });
const healthy = aKustomizationEvent({ reason: 'Progressing', message: 'Health check passed in 22ms', revision: 'a' });
const failed = aKustomizationEvent({ reason: 'HealthCheckFailed', severity: 'error', revision: 'a' });
const deleted = aKustomizationEvent({ message: 'ConfigMap/apps/x deleted', revision: 'a' });
const deletedV1 = aKustomizationEvent({ revision: 'a', commitStatus: true, action: 'Finalize' });

const at = (event: FluxEvent, second: number): FluxEvent => ({
  ...event,
  timestamp: `2026-11-24T08:00:0${second}Z`,
});

it.each([
  ['the first success of a revision', [finished('a')], [true]],
  ['the heartbeat after it is not', [finished('a'), finished('a')], [true, false]],
  ['another revision, and back again', [finished('a'), finished('b'), finished('a')], [true, true, true]],
  ['the same revision after a change', [finished('a'), changed, finished('a')], [true, true, true]],
  ['a passed health check changes nothing', [finished('a'), healthy, finished('a')], [true, true, false]],
  ['the recovery after a failure', [finished('a'), failed, finished('a')], [true, true, true]],
  ['a deletion is, its end of run is not', [finished('a'), deleted, finished('a')], [true, true, false]],
  ['a deletion that says so by its action', [finished('a'), deletedV1], [true, true]],
  ['the same revision of an object made anew', [finished('a', '1'), finished('a', '2')], [true, true]],
  [
    'a failure that comes late does not count',
    [at(finished('a'), 2), at(failed, 1), at(finished('a'), 3)],
    [true, true, false],
  ],
  [
    'nor does the success of an older revision',
    [at(finished('b'), 2), at(finished('a'), 1), at(finished('b'), 3)],
    [true, true, false],
  ],
  ['a HelmRelease has no heartbeat', [aFluxEvent(), aFluxEvent()], [true, true]],
])('%s', (_, events, expected) => expect(newsIn(events)).toEqual(expected));

it('is news while an incident is open, which it may end', () => {
  const announced = { revision: 'a', at: 0, uid: '1' };
  const open = { subjectId: 'x', chainId: 'c', last: 'l', sent: {}, causes: ['failure'], failedAt: 0 };
  expect(isUnchanged(finished('a'), { announced })).toBe(true);
  expect(isUnchanged(finished('a'), { announced, incidents: { open } })).toBe(false);
});
