import { parse } from 'cdevents-sdk';
import { describe, expect, it } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { anInvalidProvider, aProvider } from '../../test/helpers/providers.ts';
import type { ConfigSnapshot } from '../config/config-source.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { Commit, Receipt } from '../outbox/event-store.ts';
import type { ResolvedProvider } from '../provider/provider.ts';
import { createTestEvent, createTestEventSender } from './send-test-event.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const hub = { namespace: 'flux-system', name: 'hub' };

function setUp(provider: ResolvedProvider | undefined, receipts: Receipt['status'][] = []) {
  const commits: Commit[] = [];
  let version = 0;
  const snapshot: ConfigSnapshot = {
    alerts: [],
    problems: [],
    unread: [],
    providers: new Map(provider ? [[nameOf(provider.ref), provider]] : []),
  };
  const send = createTestEventSender({
    snapshot: () => snapshot,
    outbox: {
      recall: async () => ({ version: version++ }),
      async commit(commit) {
        commits.push(commit);
        const status = receipts.shift() ?? 'stored';
        return status === 'duplicate' ? { status, retryAfterMs: 0 } : { status };
      },
    },
    defaults: { cluster: 'eu-1' },
    now: () => NOW,
  });
  return { send, commits };
}

describe('a test event', () => {
  it('is mapped, remembered and committed like any other, without a duplicate mark', async () => {
    const { send, commits } = setUp(aProvider());
    const { entries } = await send(hub, {});
    expect(commits).toHaveLength(1);
    const [{ entries: stored = [], remember, mark } = {}] = commits;
    expect(mark).toBeUndefined();
    expect(remember).toContain('rollout');
    expect(stored).toMatchObject([{ alert: hub, provider: hub, reason: 'InstallSucceeded' }]);
    expect(entries).toEqual(stored.map(({ id, type }) => ({ id, type })));
    expect(parse(stored[0]?.message).subject.id).toBe('eu-1/flux-system');
  });

  it('is mapped again on a conflict, and names its entries when they are there already', async () => {
    const { send, commits } = setUp(aProvider(), ['conflict', 'duplicate']);
    const { entries } = await send(hub, { event: aFluxEvent() });
    expect(commits.map(({ expect: version }) => version)).toEqual([0, 1]);
    expect(entries).toHaveLength(1);
  });

  it('says why nothing comes of it', async () => {
    const { send } = setUp(aProvider());
    expect(await send(hub, { reason: 'DriftDetected' })).toEqual({ entries: [], skipped: 'unmapped' });
  });

  it.each([
    [undefined, 'FCE_NOT_FOUND', /flux-system\/hub/],
    [{ ...anInvalidProvider('hub') }, 'FCE_CONFIG_INVALID', /spec\.address: expected an http or https URL, found ftp/],
    [aProvider({ suspend: true }), 'FCE_API_REFUSED', /suspended/],
    [{ status: 'foreign', ref: hub, type: 'slack' } as const, 'FCE_API_REFUSED', /slack/],
  ])('is refused by %j', async (provider, code, message) => {
    const { send, commits } = setUp(provider);
    await expect(send(hub, {})).rejects.toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
    expect(commits).toEqual([]);
  });
});

describe('createTestEvent', () => {
  it.each([
    ['InstallSucceeded', 'HelmRelease', 'info', /^Helm install succeeded for release apps\/flux-cdevents-test\.v1 /],
    ['UpgradeFailed', 'HelmRelease', 'error', /^Helm upgrade failed for release .*: test event$/],
    ['HealthCheckFailed', 'Kustomization', 'error', /^Test event/],
    ['Whatever', 'HelmRelease', 'info', /^Test event/],
  ])('%s is about a %s', (reason, kind, severity, message) => {
    const event = createTestEvent('apps', reason, NOW);
    expect(event).toMatchObject({ reason, severity, timestamp: '2026-11-24T12:00:00.000Z' });
    expect(event.involvedObject).toMatchObject({ kind, namespace: 'apps', name: 'flux-cdevents-test' });
    expect(event.message).toMatch(message);
  });
});
