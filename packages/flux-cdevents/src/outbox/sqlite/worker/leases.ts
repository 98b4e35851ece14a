import { createMinHeap } from '../../../lib/min-heap.ts';
import type { ProviderQueue } from './providers.ts';

/**
 * The lease of a claimed entry. Leases are only in memory: one process owns the file, and they end with that process.
 */
export interface Lease {
  readonly leaseId: string;
  readonly seq: number;
  /** The id of the entry. */
  readonly id: string;
  readonly provider: ProviderQueue;
  /** The hash of the ordering key. */
  readonly key: number | null;
  readonly hasMessage: number;
  /** The size of the entry. */
  readonly bytes: number;
  /** When the entry was due before it was claimed. */
  readonly dueAt: number;
  /** When the lease expires. */
  readonly endsAt: number;
  /**
   * True when an earlier entry with the same key was replayed. That entry is now the first, and waits for this lease to
   * end.
   */
  displaced: boolean;
}

export interface Leases {
  add(lease: Omit<Lease, 'leaseId' | 'displaced'>): Lease;
  /** The current lease that has both ids. */
  find(leaseId: string, id: string): Lease | undefined;
  of(seq: number): Lease | undefined;
  /** Whether the entry, or another entry with its key, is under lease. */
  holds(seq: number, key: number | null): boolean;
  /** Records that an earlier entry with the key is now the first. The entry under lease keeps its lease. */
  displace(key: number): void;
  end(lease: Lease): void;
  /** A lease that expired at or before `at`, if there is one. */
  expired(at: number): Lease | undefined;
  nextEnd(): number | undefined;
  all(): Iterable<Lease>;
  /** Starts a transaction: `rolledBack` restores the leases that end from now on. */
  begin(): void;
  rolledBack(): void;
}

/** @param prefix distinguishes the leases of this run from those of earlier runs */
export function createLeases(prefix: string): Leases {
  const byId = new Map<string, Lease>();
  const bySeq = new Map<number, Lease>();
  const byKey = new Map<number, Lease>();
  const ends = createMinHeap<Lease>();
  let ended: Lease[] = [];
  let count = 0;

  const put = (lease: Lease): void => {
    byId.set(lease.leaseId, lease);
    bySeq.set(lease.seq, lease);
    if (lease.key !== null) byKey.set(lease.key, lease);
    lease.provider.leased++;
    lease.provider.leasedBytes += lease.bytes;
    if (!lease.hasMessage) lease.provider.leasedWaiting++;
    ends.push(lease.endsAt, lease);
  };
  const firstToEnd = (): Lease | undefined => {
    for (;;) {
      const first = ends.peek();
      if (!first || byId.has(first.value.leaseId)) return first?.value;
      ends.pop();
    }
  };

  return {
    add(fields) {
      const lease = { ...fields, leaseId: `${prefix}.${(++count).toString(36)}`, displaced: false };
      put(lease);
      return lease;
    },
    find(leaseId, id) {
      const lease = byId.get(leaseId);
      return lease?.id === id ? lease : undefined;
    },
    of: (seq) => bySeq.get(seq),
    holds: (seq, key) => bySeq.has(seq) || (key !== null && byKey.has(key)),
    displace(key) {
      const lease = byKey.get(key);
      if (lease) lease.displaced = true;
    },
    end(lease) {
      if (!byId.delete(lease.leaseId)) return;
      bySeq.delete(lease.seq);
      if (lease.key !== null) byKey.delete(lease.key);
      lease.provider.leased--;
      lease.provider.leasedBytes -= lease.bytes;
      if (!lease.hasMessage) lease.provider.leasedWaiting--;
      ended.push(lease);
    },
    expired(at) {
      const first = firstToEnd();
      return first && first.endsAt <= at ? first : undefined;
    },
    nextEnd: () => firstToEnd()?.endsAt,
    all: () => byId.values(),
    begin() {
      ended = [];
    },
    rolledBack() {
      for (const lease of ended) put(lease);
      ended = [];
    },
  };
}
