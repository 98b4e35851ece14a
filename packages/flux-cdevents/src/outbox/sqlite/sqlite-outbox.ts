import { resolve } from 'node:path';
import type { NamespacedName } from '../../flux/object-ref.ts';
import { nameOf } from '../../flux/object-ref.ts';
import type { Logger } from '../../observe/log.ts';
import type { ClaimedEntry } from '../entry.ts';
import type { Outbox, ProviderStats } from '../outbox.ts';
import { startWorker } from './client.ts';
import { createMemoryCache } from './memory-cache.ts';
import { createPayloadCache } from './payload-cache.ts';
import type { ClaimedRow } from './protocol.ts';
import { toClaimedEntry, toEntry, toFilterMessage, toName, toNewEntryRow, toSettlementRow } from './rows.ts';

export interface SqliteOutboxOptions {
  /** The file; it is created, with its folder, when there is none. */
  readonly path: string;
  /**
   * The file does not grow beyond so many bytes: what does not fit is refused with `FCE_STORE_UNAVAILABLE`.
   * @default as large as the disk
   */
  readonly maxBytes?: number;
  readonly logger?: Logger;
}

/**
 * The outbox in one SQLite file, for one process at a time.
 * @throws {FluxCDEventsError} `FCE_STORE_LOCKED`, `FCE_STORE_TOO_NEW`, `FCE_STORE_CORRUPT`, `FCE_STORE_UNAVAILABLE`
 */
export async function openSqliteOutbox({ path, maxBytes, logger }: SqliteOutboxOptions): Promise<Outbox> {
  const listeners = new Set<() => void>();
  const memories = createMemoryCache();
  const payloads = createPayloadCache();
  const worker = await startWorker(
    { path: resolve(path), ...(maxBytes !== undefined && { maxBytes }) },
    { logger, onReady: () => listeners.forEach((listener) => void listener()) },
  );

  /** Keeps the cache in step with what became of a memory. */
  const noteMemory = (
    { object, expect, remember }: { readonly object: string; readonly expect: number; readonly remember?: string },
    outcome: 'written' | 'conflict',
    version: number,
  ): void => {
    if (outcome === 'conflict') memories.drop(object, expect);
    else if (remember !== undefined) memories.set(object, { version, memory: remember });
  };

  /** What was claimed, with the texts that are here or are loaded now. */
  const withTexts = async (rows: readonly ClaimedRow[]): Promise<ClaimedEntry[]> => {
    const known = rows.map(([, seq, , , , , , , hasMessage]) => payloads.take(seq, hasMessage === 1));
    const missing = rows.filter((_, index) => known[index] === undefined).map(([, seq]) => seq);
    const loaded = missing.length > 0 ? await worker.read('load', missing) : [];
    const bySeq = new Map(missing.map((seq, index) => [seq, loaded[index]]));
    return rows.flatMap((row, index) => {
      const [leaseId, seq, id] = row;
      const entry = known[index];
      if (entry) return [toClaimedEntry(entry, row)];
      // The lease of an entry that was removed meanwhile has ended, whatever lies in its place now.
      const stored = bySeq.get(seq);
      return stored?.[0] === id ? [{ ...toEntry(stored), leaseId }] : [];
    });
  };

  return {
    async recall(object) {
      const cached = memories.get(object);
      if (cached) return cached;
      const [version, memory] = await worker.read('recall', object);
      const recalled = memory === null ? { version } : { version, memory };
      memories.set(object, recalled);
      return recalled;
    },
    async commit(commit) {
      const { object, expect, remember = null, entries, mark, at } = commit;
      const [status, value, places] = await worker.write(
        'commit',
        object,
        expect,
        remember,
        entries.map(toNewEntryRow),
        mark?.key ?? null,
        mark?.expiresAt ?? 0,
        at,
      );
      if (status === 'duplicate') return { status, retryAfterMs: value };
      noteMemory(commit, status === 'stored' ? 'written' : 'conflict', value);
      if (status === 'stored') payloads.add(entries, places, at);
      return { status };
    },
    async claim({ limit, perProvider, leaseMs, except, at }) {
      const [rows, nextDueAt] = await worker.read('claim', limit, perProvider, leaseMs, [...(except ?? [])], at);
      const entries = await withTexts(rows);
      return nextDueAt === null ? { entries } : { entries, nextDueAt };
    },
    settle: (settlements) => worker.write('settle', settlements.map(toSettlementRow)),
    async expand(expansion) {
      const { id, leaseId, object, expect, remember = null, entries, at } = expansion;
      const rows = entries.map(toNewEntryRow);
      const [status, version] = await worker.write('expand', id, leaseId, object, expect, remember, rows, at);
      // Not into the cache of texts: some may lie in the store already, and say something else there.
      if (status !== 'lost') noteMemory(expansion, status === 'expanded' ? 'written' : 'conflict', version);
      return status;
    },

    async list(filter, { limit, after }) {
      const message = toFilterMessage(filter);
      const found: Awaited<ReturnType<typeof worker.read<'list'>>>[0][number][] = [];
      for (
        let before: number | null = after === undefined ? Number.MAX_SAFE_INTEGER : Number(after);
        before !== null;
      ) {
        const [rows, next]: Awaited<ReturnType<typeof worker.read<'list'>>> = await worker.read(
          'list',
          message,
          limit + 1 - found.length,
          before,
        );
        found.push(...rows);
        before = found.length > limit ? null : next;
      }
      const page = found.slice(0, limit);
      const entries = page.map(([, row]) => toEntry(row));
      const last = page.at(-1)?.[0];
      return found.length > limit && last !== undefined ? { entries, next: String(last) } : { entries };
    },
    replay: (filter, { at, expiresAt, remap }) =>
      inSteps((after) => worker.write('replay', toFilterMessage(filter), after, at, expiresAt, remap)),
    discard: (filter) => inSteps((after) => worker.write('discard', toFilterMessage(filter), after)),
    abandon: (provider, error, at) => untilNoMore(() => worker.write('abandon', nameOf(provider), error, at)),
    async wake(provider, at) {
      await untilNoMore(() => worker.write('wake', nameOf(provider), at));
    },
    async expire(at) {
      return (await worker.write('expire', at)).map(toEntry);
    },
    purge: (retention, at) => worker.write('purge', retention, at),

    async stop({ provider, fingerprint, reason, at }) {
      await worker.write('stop', nameOf(provider), fingerprint, reason, at);
    },
    async resume(provider: NamespacedName) {
      await worker.write('resume', nameOf(provider));
    },
    async stops() {
      const rows = await worker.read('stops');
      return rows.map(([provider, fingerprint, reason, at]) => ({
        provider: toName(provider),
        fingerprint,
        reason,
        at,
      }));
    },

    async stats() {
      const rows = await worker.read('stats');
      return rows.map(([provider, pending, delivering, delivered, deadLetters, oldest]): ProviderStats => {
        const counts = { pending, delivering, delivered, 'dead-letter': deadLetters };
        return { provider: toName(provider), counts, ...(oldest !== null && { oldestPendingAt: oldest }) };
      });
    },
    onReady(listener) {
      // Each subscription is its own, though the function be the same.
      const subscription = (): void => listener();
      listeners.add(subscription);
      return () => void listeners.delete(subscription);
    },
    close: () => worker.close(),
  };
}

/** Many entries in steps of bounded size, so that commits and claims come in between. @returns how many in all */
async function inSteps(
  step: (after: number) => Promise<readonly [count: number, next: number | null]>,
): Promise<number> {
  let total = 0;
  for (let after: number | null = 0; after !== null; ) {
    const [count, next]: readonly [number, number | null] = await step(after);
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
