import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { FluxCDEventsError, messageOf } from '../../../errors.ts';
import type { Batch, Call, CallName, Failure, WorkerMessage, WorkerOptions } from '../protocol.ts';
import { type Database, openDatabase, storeError } from './database.ts';
import { migrate } from './migrations.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';
import { createStore, type Store } from './store.ts';

/*
 * The thread that owns the file. A slow disk blocks this thread but not the event loop of the main thread. Calls that
 * arrive in the meantime form the next batch. The writes of a batch are one transaction with one sync.
 */

const { path, maxBytes } = workerData as WorkerOptions;
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
  port?.on('message', (batch: Batch | 'close') => {
    if (batch === 'close') {
      close(db);
      return;
    }
    const run = ([name, argument]: Call): unknown =>
      (operations[name] as Operation<CallName>).run(store, argument as never, batch.at);
    if (batch.reads.length > 0) {
      const outcome = oneByOne(batch.reads, run);
      store.turns.stirred();
      post({ kind: 'reads', ...outcome, ready: false });
    }
    if (batch.writes.length > 0) {
      const outcome = together(batch.writes, (calls) => store.transaction(() => calls.map(run)));
      post({ kind: 'writes', ...outcome, ready: store.turns.stirred() });
    }
  });
  let undelivered = 0;
  for (const provider of store.providers.all()) undelivered += provider.undelivered;
  const names = Object.keys(operations) as CallName[];
  const reads = new Set(names.filter((name) => operations[name].mode === 'read'));
  post({ kind: 'opened', undelivered, reads });
}

function prepare(db: Database): Store {
  try {
    migrate(db, path);
    return createStore(db, randomBytes(6).toString('base64url'));
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

interface Outcome {
  readonly answers: readonly unknown[];
  readonly failures?: ReadonlyMap<number, Failure>;
}

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
    return { answers: [], failures: new Map(calls.map((_, index) => [index, failure])) };
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
  post({ kind: 'closed' });
  port?.close();
}
