import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { FluxCDEventsError, messageOf } from '../../../errors.ts';
import type { ArgumentOf, Batch, Call, CallName, Failure, WorkerMessage, WorkerOptions } from '../protocol.ts';
import { type Database, isFull, lost, openDatabase, storeError } from './database.ts';
import { endLongDelays } from './delays.ts';
import { checkContent, noteDamage } from './integrity.ts';
import { migrate } from './migrations.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';
import { purgeDelivered } from './retention.ts';
import { createRoom } from './room.ts';
import { createStore, type Store, startLogOver } from './store.ts';

/*
 * The thread that owns the file. A slow disk blocks this thread but not the event loop of the main thread. Calls that
 * arrive in the meantime form the next batch. The writes of a batch are one transaction with one sync.
 */

/** How often to check the file while nothing is written. */
const CHECK_EVERY_MS = 2_000;
/** How many entries are removed at a time while little room is left. */
const PURGE_STEP = 50;

const { path, at: openedAt, maxBytes } = workerData as WorkerOptions;
const port = parentPort;
if (!port) throw new Error('the store runs in a worker thread');
const post = (message: WorkerMessage): void => port.postMessage(message);

try {
  serve(openDatabase(path, maxBytes));
} catch (thrown) {
  post({ kind: 'failed', failure: failureOf(thrown) });
}

function serve(db: Database): void {
  const store = prepare(db);
  db.guard.written();
  const room = createRoom(db, path, maxBytes);
  let told: string | undefined;
  let over = false;
  const fail = (failure: Failure): void => {
    over = true;
    clearInterval(check);
    post({ kind: 'failed', failure });
  };
  /** Checks the file and ends the work when it is not as the store left it. */
  const checkFile = (): void => {
    const damage = over ? undefined : db.guard.damage();
    if (damage !== undefined) fail(failureOf(lost(path, damage)));
  };
  const check = setInterval(() => {
    checkFile();
    if (over) return;
    room.keepReserve();
    makeRoom();
    db.guard.written();
  }, CHECK_EVERY_MS);
  /** On a disk that is almost full, makes room at the expense of what is kept for inspection. */
  const makeRoom = (): void => {
    try {
      if (room.isLow) {
        if (hasDelivered(store)) store.transaction(() => purgeDelivered(store, PURGE_STEP));
        room.look();
      }
    } catch (thrown) {
      if (!storeError(path, thrown)) throw thrown;
    }
    if (room.full !== told) post({ kind: 'room', full: room.full });
    told = room.full;
  };
  /** Runs writes. Without room, refuses the events among them and settles the rest, out of the reserve if need be. */
  const write = (calls: readonly Call[], run: (call: Call) => unknown): Outcome => {
    const answers: unknown[] = [];
    const failures = new Map<number, Failure>();
    const refuse = (index: number): void => {
      failures.set(index, { code: 'FCE_STORE_UNAVAILABLE', message: `store ${path}: ${room.full}`, noRoom: true });
    };
    let accepted = [...calls.keys()].filter((index) => {
      const bytes = eventBytes(calls[index] as Call);
      if (bytes === undefined || room.take(bytes)) return true;
      refuse(index);
      return false;
    });
    let outcome: Outcome | undefined;
    while (outcome === undefined && accepted.length > 0) {
      const part = accepted.map((index) => calls[index] as Call);
      const attempt = together(part, (group) => store.transaction(() => group.map(run)));
      outcome = attempt;
      if (!attempt.isFull) continue;
      // Somebody else has filled the disk. What is stored comes first.
      const hadReserve = room.giveUpReserve();
      const events = accepted.filter((index) => eventBytes(calls[index] as Call) !== undefined);
      if (!hadReserve && events.length === 0) continue;
      startLogOver(db);
      events.forEach(refuse);
      accepted = accepted.filter((index) => !events.includes(index));
      outcome = undefined;
    }
    for (const [position, index] of accepted.entries()) {
      answers[index] = outcome?.answers[position];
      const failure = outcome?.failures?.get(position);
      if (failure) failures.set(index, failure);
    }
    return failures.size === 0 ? { answers } : { answers, failures };
  };
  /** Answers calls, unless the file is damaged. */
  const answer = (kind: 'reads' | 'writes', outcome: Outcome): void => {
    const corrupt = [...(outcome.failures?.values() ?? [])].find(({ code }) => code === 'FCE_STORE_CORRUPT');
    if (corrupt) {
      noteDamage(path);
      fail(corrupt);
    }
    if (!over) post({ kind, ...outcome, ready: store.turns.stirred() });
  };
  port?.on('message', (batch: Batch | 'close') => {
    if (batch === 'close') {
      over = true;
      clearInterval(check);
      close(db);
      return;
    }
    const run = ([name, argument]: Call): unknown =>
      (operations[name] as Operation<CallName>).run(store, argument as never, batch.at);
    checkFile();
    if (batch.reads.length > 0 && !over) {
      const outcome = oneByOne(batch.reads, run);
      store.turns.stirred();
      answer('reads', outcome);
    }
    if (batch.writes.length > 0 && !over) {
      const outcome = write(batch.writes, run);
      makeRoom();
      db.guard.written();
      // What was written to a file that is gone by now is not durable.
      checkFile();
      answer('writes', outcome);
    }
  });
  let undelivered = 0;
  for (const provider of store.providers.all()) undelivered += provider.undelivered;
  const names = Object.keys(operations) as CallName[];
  const reads = new Set(names.filter((name) => operations[name].mode === 'read'));
  post({ kind: 'opened', undelivered, reads });
  // Before the first event: from then on, its outcome has a reserve.
  setImmediate(() => {
    if (!over) room.keepReserve();
  });
}

function prepare(db: Database): Store {
  try {
    checkContent(db, path);
    migrate(db, path);
    endLongDelays(db, openedAt);
    return createStore(db, randomBytes(6).toString('base64url'));
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

interface Outcome {
  readonly answers: readonly unknown[];
  readonly failures?: ReadonlyMap<number, Failure>;
  /** True when it all failed because the disk is full or the file has reached its maximum size. */
  readonly isFull?: boolean;
}

/** The size of an event that a call adds to the store. Undefined for other calls, also for one that maps an entry. */
function eventBytes([name, argument]: Call): number | undefined {
  if (name !== 'commit') return undefined;
  const { replaces, entries, remember = '' } = argument as ArgumentOf<'commit'>;
  if (replaces) return undefined;
  let bytes = bytesOf(remember);
  for (const [, , , , , , , , , source, message] of entries) bytes += bytesOf(source) + bytesOf(message);
  return bytes;
}

const hasDelivered = ({ providers }: Store): boolean => {
  for (const { delivered } of providers.all()) if (delivered > 0) return true;
  return false;
};

/** An invalid call may have anything in the place of a text. */
const bytesOf = (text: unknown): number => (typeof text === 'string' ? Buffer.byteLength(text) : 0);

function oneByOne(calls: readonly Call[], run: (call: Call) => unknown): Outcome {
  const failures = new Map<number, Failure>();
  const answers = calls.map((call, index) => {
    try {
      return run(call);
    } catch (thrown) {
      failures.set(index, failureOf(thrown));
      return undefined;
    }
  });
  return failures.size === 0 ? { answers } : { answers, failures };
}

/**
 * Runs all calls in one transaction. If a call is invalid, runs each in its own transaction, so that only the invalid
 * one fails.
 */
function together(calls: readonly Call[], run: (calls: readonly Call[]) => readonly unknown[]): Outcome {
  try {
    return { answers: run(calls) };
  } catch (thrown) {
    if (calls.length > 1 && !storeError(path, thrown)) return oneByOne(calls, (call) => run([call])[0]);
    const failure = failureOf(thrown);
    return { answers: [], failures: new Map(calls.map((_, index) => [index, failure])), isFull: isFull(thrown) };
  }
}

function failureOf(thrown: unknown): Failure {
  const error = storeError(path, thrown) ?? thrown;
  return error instanceof FluxCDEventsError
    ? { code: error.code, message: error.message }
    : { message: `store ${path}: ${messageOf(error)}` };
}

function close(db: Database): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // The log stays. The next start reads it.
  }
  db.close();
  port?.close();
}
