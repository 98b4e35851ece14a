/*
 * What happened to each event of a run, from the answer that accepted it to the answers of the receiver. An event is
 * known by its object and its number among the events of that object.
 */

/** `object/number`. */
export type EventKey = string;

export interface Ledger {
  /** The controller took responsibility for the event. */
  accept(key: EventKey): void;
  readonly accepted: ReadonlySet<EventKey>;
  /** The account of one receiver. */
  readonly account: (receiver: string) => Account;
}

/** What one receiver got. */
export interface Account {
  /** The receiver got the event and answered with this status; undefined when it gave no answer. */
  attempted(key: EventKey, status: number | undefined): void;
  /** From now on, events may come out of order, because a person replays dead letters. */
  replaying(): void;
  readonly attempts: number;
  /** Events that the receiver answered with 2xx. */
  readonly delivered: ReadonlySet<EventKey>;
  /** Answers with 2xx to events that had been answered with 2xx before. */
  readonly duplicates: number;
  /** Events whose first 2xx came after the first 2xx of a later event of the same object. */
  readonly orderViolations: readonly string[];
}

export function createLedger(): Ledger {
  const accepted = new Set<EventKey>();
  const accounts = new Map<string, Account>();
  return {
    accept: (key) => void accepted.add(key),
    accepted,
    account(receiver) {
      const account = accounts.get(receiver) ?? createAccount();
      accounts.set(receiver, account);
      return account;
    },
  };
}

function createAccount(): Account {
  const delivered = new Set<EventKey>();
  const last = new Map<string, number>();
  const orderViolations: string[] = [];
  let attempts = 0;
  let duplicates = 0;
  let isReplaying = false;
  return {
    attempted(key, status) {
      attempts += 1;
      if (status === undefined || status < 200 || status > 299) return;
      if (delivered.has(key)) {
        duplicates += 1;
        return;
      }
      delivered.add(key);
      const [object = '', number = ''] = key.split('/');
      const before = last.get(object) ?? 0;
      if (!isReplaying && Number(number) < before) orderViolations.push(`${key} after ${object}/${before}`);
      last.set(object, Math.max(before, Number(number)));
    },
    replaying() {
      isReplaying = true;
    },
    get attempts() {
      return attempts;
    },
    delivered,
    get duplicates() {
      return duplicates;
    },
    orderViolations,
  };
}

/** Finds the events of a run in a request, which may carry a batch. */
export function eventsIn(body: string): EventKey[] {
  const keys = new Set<EventKey>();
  for (const [, object, number] of body.matchAll(/release apps\/app-(\d+)\.v(\d+) with chart/g)) {
    keys.add(`${object}/${number}`);
  }
  return [...keys];
}
