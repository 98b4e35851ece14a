import { createMinHeap } from '../../../lib/min-heap.ts';
import type { ProviderQueue } from './providers.ts';

/** An entry in somebody's hands. Leases are in memory only: the file has one owner, and they end with it. */
export interface Lease {
  readonly leaseId: string;
  readonly seq: number;
  /** Of the entry. */
  readonly id: string;
  readonly provider: ProviderQueue;
  /** Hash of the ordering key. */
  readonly key: number | null;
  readonly hasMessage: number;
  /** When the entry was due. */
  readonly dueAt: number;
  /** When the lease ends by itself. */
  readonly endsAt: number;
  /** An earlier entry of the key was replayed meanwhile: it is the first one, and waits for this lease to end. */
  displaced: boolean;
}

export interface Leases {
  add(lease: Omit<Lease, 'leaseId' | 'displaced'>): Lease;
  /** The live lease with both these ids. */
  find(leaseId: string, id: string): Lease | undefined;
  of(seq: number): Lease | undefined;
  /** Whether the entry, or another one of its key, is under lease. */
  holds(seq: number, key: number | null): boolean;
  /** An earlier entry of the key is first now; the one under lease goes on until its lease ends. */
  displace(key: number): void;
  end(lease: Lease): void;
  /** A lease that ended by `at`, if there is one. */
  expired(at: number): Lease | undefined;
  nextEnd(): number | undefined;
  all(): Iterable<Lease>;
  /** From here on `rolledBack` brings back the leases that end. */
  begin(): void;
  rolledBack(): void;
}

/** @param prefix tells the leases of this run from those of an earlier one */
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
