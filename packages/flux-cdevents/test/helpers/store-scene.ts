import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Alert } from '../../src/flux/alert.ts';
import { nameOf } from '../../src/flux/object-ref.ts';
import { createMatcher } from '../../src/match/matcher.ts';
import { silentLogger } from '../../src/observe/log.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import type { ClaimedEntry, OutboxEntry } from '../../src/outbox/entry.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { openSqliteOutbox } from '../../src/outbox/sqlite/sqlite-outbox.ts';
import { createPipeline, type Pipeline } from '../../src/pipeline/accept.ts';
import type { ResolvedProvider } from '../../src/provider/provider.ts';

/** An Alert of Provider `hub` that selects the HelmReleases of namespace `apps`. */
export const anAlert = (name: string, spec: Partial<Alert['spec']> = {}): Alert => ({
  metadata: { namespace: 'flux-system', name },
  spec: {
    providerRef: { name: 'hub' },
    eventSources: [{ kind: 'HelmRelease', namespace: 'apps', name: '*' }],
    ...spec,
  },
});

/** Pipelines on a real store in a folder of its own, with a clock that only the test moves. */
export interface StoreScene {
  /** Epoch ms; may be set. */
  now: number;
  readonly outbox: Outbox;
  /** A pipeline for one Provider, on the store. */
  pipeline(provider: ResolvedProvider, alerts?: readonly Alert[]): Pipeline;
  /** Closes the store and opens it again, as a restart does. */
  reopen(): Promise<void>;
  /** Oldest first. */
  entries(): Promise<readonly OutboxEntry[]>;
  claim(limit?: number): Promise<readonly ClaimedEntry[]>;
  close(): Promise<void>;
}

export async function startStoreScene(now: number): Promise<StoreScene> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-store-'));
  const open = () => openSqliteOutbox({ path: join(folder, 'outbox.db'), now: () => scene.now });
  const scene: StoreScene = {
    now,
    get outbox() {
      return outbox;
    },
    pipeline(provider, alerts = [anAlert('all')]) {
      const snapshot = { alerts, providers: new Map([[nameOf(provider.ref), provider]]), problems: [], unread: [] };
      const matcher = createMatcher(alerts);
      return createPipeline({
        config: { labels: async () => undefined },
        current: () => ({ snapshot, matcher }),
        outbox,
        defaults: {},
        rateLimitIntervalMs: 1000,
        metrics: createMetrics(),
        logger: silentLogger(),
      });
    },
    async reopen() {
      await outbox.close();
      outbox = await open();
    },
    entries: async () => {
      const { entries } = await outbox.list({}, { limit: 500 });
      const shown = await Promise.all(entries.toReversed().map(({ id }) => outbox.show(id)));
      return shown.filter((entry) => entry !== undefined);
    },
    claim: async (limit = 10) => (await outbox.claim({ limit, perProvider: 10, leaseMs: 1000 })).entries,
    async close() {
      await outbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  let outbox = await open();
  return scene;
}
