import type { Outbox, ProviderStop, Settlement } from '../outbox/outbox.ts';

export interface SettlementsDeps<T> {
  readonly outbox: Pick<Outbox, 'settle' | 'stop'>;
  /** A settlement was written down; `kept` is false when the lease had been lost. */
  readonly settled: (item: T, settlement: Settlement, kept: boolean) => void;
  /** After all settlements of a group. */
  readonly written: () => void;
  readonly failed: (thrown: unknown) => void;
}

/** Settlements on their way to the store: those of one turn of the event loop go together, and none is given up. */
export interface Settlements<T> {
  add(item: T, settlement: Settlement): void;
  /** A stop is stored before the settlements that follow it, so that a crash between them cannot lose it. */
  addStop(stop: ProviderStop): void;
  /** Sends now. Needed only after a failure: until then it happens by itself. */
  flush(): Promise<void>;
  /** How many have not been written down. */
  readonly size: number;
}

export function createSettlements<T>({ outbox, settled, written, failed }: SettlementsDeps<T>): Settlements<T> {
  let items: T[] = [];
  let settlements: Settlement[] = [];
  let stops: ProviderStop[] = [];
  let underWay = 0;
  let scheduled = false;
  let broken = false;

  // not a microtask: answers that come in the same turn, each on its own socket, shall be one group
  const schedule = () => {
    if (scheduled || broken) return;
    scheduled = true;
    setImmediate(() => void flush());
  };

  const flush = async () => {
    scheduled = false;
    if (settlements.length === 0 && stops.length === 0) return;
    const group = { items, settlements, stops };
    items = [];
    settlements = [];
    stops = [];
    underWay += group.items.length;
    try {
      while (group.stops[0]) {
        await outbox.stop(group.stops[0]);
        group.stops.shift();
      }
      const kept = group.settlements.length === 0 ? [] : await outbox.settle(group.settlements);
      broken = false;
      underWay -= group.items.length;
      for (const [i, settlement] of group.settlements.entries()) {
        settled(group.items[i] as T, settlement, kept[i] === true);
      }
      written();
      if (settlements.length > 0 || stops.length > 0) schedule();
    } catch (thrown) {
      underWay -= group.items.length;
      items = group.items.concat(items);
      settlements = group.settlements.concat(settlements);
      stops = group.stops.concat(stops);
      broken = true;
      failed(thrown);
    }
  };

  return {
    add(item, settlement) {
      items.push(item);
      settlements.push(settlement);
      schedule();
    },
    addStop(stop) {
      stops.push(stop);
      schedule();
    },
    flush,
    get size() {
      return settlements.length + stops.length + underWay;
    },
  };
}
