import { resolve } from 'node:path';
import { LRUCache } from 'lru-cache';
import { nameOf } from '../../flux/object-ref.ts';
import { steadyNow } from '../../lib/steady-now.ts';
import type { Logger } from '../../observe/log.ts';
import type { ClaimedEntry, EntrySummary, NewEntry, OutboxEntry } from '../entry.ts';
import type { Recalled } from '../event-store.ts';
import type { Outbox } from '../outbox.ts';
import { MAX_BATCH_BYTES, startWorker } from './client.ts';
import { createPayloadCache } from './payload-cache.ts';
import type { BulkStep, ClaimedRow, NewEntryRow } from './protocol.ts';

export interface SqliteOutboxOptions {
  /** The file. It is created, together with its folder, if it does not exist. */
  readonly path: string;
  /**
   * The maximum size of the file in bytes. Writes beyond it fail with `FCE_STORE_UNAVAILABLE`.
   * @default limited only by the disk
   */
  readonly maxBytes?: number;
  readonly logger?: Logger;
  /**
   * The store's clock, epoch ms. Setting the system clock does not move it while the process lives.
   * @default steadyNow
   */
  readonly now?: () => number;
  /** Aborts the opening. It has no effect once the store is open. */
  readonly signal?: AbortSignal;
}

/** The maximum total length of the cached memories and the names of their objects. */
const MAX_MEMORY_CHARS = 16 * 1024 * 1024;

/** The maximum size of the texts on a page, in bytes. A page with one entry may be larger. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/**
 * The outbox in one SQLite file, for one process at a time.
 * @throws {FluxCDEventsError} `FCE_STORE_LOCKED`, `FCE_STORE_TOO_NEW`, `FCE_STORE_CORRUPT`, `FCE_STORE_UNAVAILABLE`,
 * `FCE_STOPPED` when the signal aborts first
 */
export async function openSqliteOutbox(options: SqliteOutboxOptions): Promise<Outbox> {
  const { path, maxBytes, logger, now = steadyNow, signal } = options;
  const listeners = new Set<() => void>();
  /**
   * Saves most recalls a call to the worker. An outdated memory is harmless, because each commit checks its version.
   */
  const memories = new LRUCache<string, Recalled>({
    maxSize: MAX_MEMORY_CHARS,
    sizeCalculation: ({ memory }, object) => object.length + (memory?.length ?? 0) + 64,
  });
  const payloads = createPayloadCache();
  const worker = await startWorker(
    { path: resolve(path), at: now(), ...(maxBytes !== undefined && { maxBytes }) },
    { logger, now, signal, onReady: () => listeners.forEach((listener) => void listener()) },
  );

  /** Adds the texts to claimed entries, from the cache or from the store. */
  const withTexts = async (rows: readonly ClaimedRow[], at: number): Promise<ClaimedEntry[]> => {
    const known = rows.map(([, place, , hasMessage]) => payloads.take(place, hasMessage));
    const missing = rows.filter((_, index) => known[index] === undefined);
    const byPlace = new Map<number, OutboxEntry | undefined>();
    for (const part of inParts(missing, ([, , , , , , , , , bytes]) => bytes)) {
      const places = part.map(([, place]) => place);
      const loaded = await worker.call('load', places);
      for (const [index, place] of places.entries()) byPlace.set(place, loaded[index]);
    }
    return rows.flatMap((row, index) => {
      const [leaseId, place, id, , , acceptedAt, , , , bytes] = row;
      const entry = known[index];
      if (entry) return [toClaimedEntry(entry, row, at)];
      // If the entry was removed in the meantime, its lease has ended, and another entry may be at its place.
      const stored = byPlace.get(place);
      return stored?.id === id ? [{ ...stored, leaseId, ageMs: Math.max(0, at - acceptedAt), bytes }] : [];
    });
  };

  return {
    async recall(object) {
      const cached = memories.get(object);
      if (cached) return cached;
      const recalled = await worker.call('recall', object);
      memories.set(object, recalled);
      return recalled;
    },
    async commit(commit) {
      const { object, expect, remember, entries } = commit;
      const answer = await worker.call('commit', { ...commit, entries: entries.map(toNewEntryRow) });
      if (answer.status === 'conflict' && memories.peek(object)?.version === expect) memories.delete(object);
      if (answer.status !== 'stored') return answer;
      const { version, places } = answer;
      if (version !== undefined && remember !== undefined) memories.set(object, { version, memory: remember });
      payloads.add(entries, places, now());
      return { status: 'stored' };
    },

    async claim(request) {
      const { rows, at, ...claim } = await worker.call('claim', request);
      return { ...claim, entries: await withTexts(rows, at) };
    },
    settle: (settlements) => worker.call('settle', settlements),
    async wake(provider) {
      await untilNoMore(() => worker.call('wake', provider));
    },
    stop: (stop) => worker.call('stop', stop),
    resume: (provider) => worker.call('resume', provider),
    stops: () => worker.call('stops'),
    onReady(listener) {
      // The same function may subscribe twice, so each subscription needs an identity of its own.
      const subscription = (): void => listener();
      listeners.add(subscription);
      return () => void listeners.delete(subscription);
    },

    async list(filter, { limit, after }) {
      const rows: { readonly place: number; readonly entry: EntrySummary }[] = [];
      let bytesLeft = MAX_PAGE_BYTES;
      let before: number | undefined = after === undefined ? Number.MAX_SAFE_INTEGER : Number(after);
      while (before !== undefined && rows.length <= limit && bytesLeft > 0) {
        // One more than the page needs shows whether there is a next page.
        const step: Awaited<ReturnType<typeof worker.call<'list'>>> = await worker.call('list', {
          filter,
          limit: limit + 1 - rows.length,
          maxBytes: bytesLeft,
          before,
        });
        rows.push(...step.rows);
        bytesLeft -= step.bytes;
        before = step.next;
      }
      const page = rows.slice(0, limit);
      const entries = page.map(({ entry }) => entry);
      const last = page.at(-1)?.place;
      const isMore = rows.length > limit || before !== undefined;
      return isMore && last !== undefined ? { entries, next: String(last) } : { entries };
    },
    show: (id) => worker.call('show', id),
    stats: () => worker.call('stats'),

    replay: (filter, replay) => inSteps((after) => worker.call('replay', { filter, replay, after })),
    discard: (filter) => inSteps((after) => worker.call('discard', { filter, after })),
    abandon: (provider, error) => untilNoMore(() => worker.call('abandon', { provider, error })),
    expire: (graceMs) => worker.call('expire', graceMs),

    failed: worker.failed,
    refusing: worker.refusing,
    purge: (retention) => worker.call('purge', retention),
    close: () => worker.close(),
  };
}

const toNewEntryRow = (entry: NewEntry): NewEntryRow => [
  entry.id,
  nameOf(entry.provider),
  nameOf(entry.alert),
  entry.orderingKey ?? null,
  entry.kind,
  entry.type ?? null,
  entry.object,
  entry.reason,
  entry.maxAgeMs,
  entry.source ?? null,
  entry.message ?? null,
  entry.partitionKey ?? null,
  entry.deadLetter ?? null,
];

/** @param entry as it was committed. Dead letters are never cached, so it has no `deadLetter`. */
function toClaimedEntry({ maxAgeMs: _, ...entry }: NewEntry, row: ClaimedRow, at: number): ClaimedEntry {
  const [leaseId, , , , attempts, acceptedAt, expiresAt, dueAt, lastError, bytes] = row;
  return {
    ...entry,
    state: 'delivering',
    attempts,
    acceptedAt,
    expiresAt,
    dueAt,
    ...(lastError !== null && { lastError }),
    leaseId,
    ageMs: Math.max(0, at - acceptedAt),
    bytes,
  };
}

/** Divides rows so that each part is small enough for one call, or has one row. */
function inParts<T>(rows: readonly T[], bytesOf: (row: T) => number): T[][] {
  const parts: T[][] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += bytesOf(row);
    const part = parts.at(-1);
    if (part && bytes <= MAX_BATCH_BYTES) part.push(row);
    else {
      parts.push([row]);
      bytes = bytesOf(row);
    }
  }
  return parts;
}

/** Runs a call in bounded steps, so that commits and claims can run in between. @returns the total count */
async function inSteps(step: (after: number) => Promise<BulkStep>): Promise<number> {
  let total = 0;
  let after: number | undefined = 0;
  while (after !== undefined) {
    const { count, next }: BulkStep = await step(after);
    total += count;
    after = next;
  }
  return total;
}

async function untilNoMore(step: () => Promise<number>): Promise<number> {
  let total = 0;
  for (;;) {
    const count = await step();
    if (count === 0) return total;
    total += count;
  }
}
