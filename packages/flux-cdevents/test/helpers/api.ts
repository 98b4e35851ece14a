import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { ConfigSnapshot } from '../../src/config/config-source.ts';
import { nameOf } from '../../src/flux/object-ref.ts';
import type { ApiServerDeps } from '../../src/http/api-deps.ts';
import { createApiServer } from '../../src/http/api-server.ts';
import type { ClaimedEntry } from '../../src/outbox/entry.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { openSqliteOutbox } from '../../src/outbox/sqlite/sqlite-outbox.ts';
import { createTestEventSender } from '../../src/pipeline/send-test-event.ts';
import type { ResolvedProvider } from '../../src/provider/provider.ts';
import { anInvalidProvider, aProvider } from './providers.ts';

/** An API server over a real outbox, with a clock that stands still. */
export interface TestApi {
  readonly server: FastifyInstance;
  readonly outbox: Outbox;
  readonly now: number;
  claim(): Promise<readonly ClaimedEntry[]>;
  close(): Promise<void>;
}

export const snapshotOf = (
  providers: readonly ResolvedProvider[],
  rest: Partial<ConfigSnapshot> = {},
): ConfigSnapshot => ({
  alerts: [],
  problems: [],
  unread: [],
  ...rest,
  providers: new Map(providers.map((provider) => [nameOf(provider.ref), provider])),
});

export async function startTestApi({
  snapshot = snapshotOf([aProvider(), anInvalidProvider()]),
  ...rest
}: { readonly snapshot?: ConfigSnapshot } & Partial<Pick<ApiServerDeps, 'token'>> = {}): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'flux-cdevents-api-'));
  const now = Date.parse('2026-11-24T12:00:00Z');
  const outbox = await openSqliteOutbox({ path: join(folder, 'outbox.db'), now: () => now });
  const send = createTestEventSender({ outbox, snapshot: () => snapshot, defaults: {}, now: () => now });
  const server = createApiServer({ outbox, snapshot: () => snapshot, send, now: () => now, ...rest });
  return {
    server,
    outbox,
    now,
    claim: async () => (await outbox.claim({ limit: 100, perProvider: 100, leaseMs: 60_000 })).entries,
    async close() {
      await server.close();
      await outbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
