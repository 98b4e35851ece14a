import { Worker } from 'node:worker_threads';
import { FluxCDEventsError, messageOf } from '../../errors.ts';
import type { Logger } from '../../observe/log.ts';
import type { ArgumentOf, Batch, Call, CallName, Calls, Failure, WorkerMessage, WorkerOptions } from './protocol.ts';

/** The maximum number of writes in a batch. No write is answered before the whole batch is committed. */
const MAX_WRITES = 512;

/**
 * The maximum size of the texts in a batch, in either direction. A batch with one call may be larger. A copy of each text
 * is in the heap of both threads for a while, and all writes of a batch are in one transaction.
 */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;
/** `show` is the one read whose answer can be large and whose size is not known before. */
const SHOWN_BYTES = MAX_BATCH_BYTES / 4;

/** Most allocations of the worker are short-lived. A larger young generation costs 100 MB and gains nothing. */
const YOUNG_GENERATION_MB = 8;

/** The side of the main thread. It collects calls while the worker runs a batch, and sends them as the next batch. */
export interface WorkerClient {
  /** Resolves when the worker cannot go on. */
  readonly failed: Promise<FluxCDEventsError>;
  /** Why no events can be stored now. Undefined when they can. */
  refusing(): string | undefined;
  call<N extends CallName>(name: N, ...argument: Parameters<Calls[N]>): Promise<ReturnType<Calls[N]>>;
  close(): Promise<void>;
}

export interface WorkerClientDeps {
  readonly logger: Logger | undefined;
  readonly onReady: () => void;
  /** The clock that stamps each batch, epoch ms. */
  readonly now: () => number;
  /** Aborts the opening: the worker ends, and `startWorker` rejects with `FCE_STOPPED`. */
  readonly signal: AbortSignal | undefined;
}

interface Waiting {
  readonly call: Call;
  readonly bytes: number;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** @throws {FluxCDEventsError} when the worker cannot open the file, or when the signal aborts first */
export async function startWorker(
  options: WorkerOptions,
  { logger, onReady, now, signal }: WorkerClientDeps,
): Promise<WorkerClient> {
  const file = import.meta.url.endsWith('.ts') ? './worker/worker.ts' : './worker/worker.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: options,
    name: 'outbox',
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const { promise: failed, resolve: reportFailure } = Promise.withResolvers<FluxCDEventsError>();
  const { undelivered, reads: readNames } = await opened(worker, options.path, signal);
  logger?.info({ path: options.path, undelivered }, 'store opened');

  const reads: Waiting[] = [];
  const writes: Waiting[] = [];
  const underWay = { reads: [] as Waiting[], writes: [] as Waiting[] };
  const failures = createFailureLog(logger, options.path);
  let scheduled = false;
  let closing: Promise<void> | undefined;
  let broken: FluxCDEventsError | undefined;

  const isUnderWay = (): boolean => underWay.reads.length + underWay.writes.length > 0;
  const flush = (): void => {
    scheduled = false;
    if (isUnderWay() || broken) return;
    underWay.reads = takeBatch(reads);
    underWay.writes = takeBatch(writes);
    if (isUnderWay()) {
      const batch: Batch = {
        at: now(),
        reads: underWay.reads.map(callOf),
        writes: underWay.writes.map(callOf),
      };
      worker.postMessage(batch);
    } else if (closing) {
      worker.postMessage('close');
    }
  };
  /** Waits for the other callbacks of this turn of the event loop, so that their calls join the batch. */
  const schedule = (): void => {
    if (scheduled || isUnderWay()) return;
    scheduled = true;
    setImmediate(flush);
  };
  const enqueue = (call: Call): Promise<never> => {
    if (broken) return Promise.reject(broken);
    if (closing) return Promise.reject(unavailable(options.path, 'already closed'));
    return new Promise((resolve, reject) => {
      (readNames.has(call[0]) ? reads : writes).push({ call, bytes: bytesOf(call), resolve, reject });
      schedule();
    });
  };

  const breakOff = (why: string): void => {
    broken ??= unavailable(options.path, why);
    const refused = [underWay.reads, underWay.writes, reads, writes].flatMap((waiting) => waiting.splice(0));
    for (const { reject } of refused) reject(broken);
  };
  /** The worker cannot go on. What waits for it is unavailable, whatever the reason. */
  const fail = (failure: FluxCDEventsError): void => {
    reportFailure(failure);
    breakOff('it has failed');
    void worker.terminate();
  };

  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'failed') return fail(failureOf(message.failure));
    if (message.kind === 'room') return failures.room(message.full);
    if (message.kind !== 'reads' && message.kind !== 'writes') return;
    const answered = underWay[message.kind];
    underWay[message.kind] = [];
    for (const [index, { resolve, reject }] of answered.entries()) {
      const failure = message.failures?.get(index);
      if (failure) reject(errorOf(failure));
      else resolve(message.answers[index] as never);
    }
    failures.note(message.kind, message.failures);
    if (message.ready) onReady();
    schedule();
  });
  worker.on('error', (cause) => fail(threadEnded(options.path, cause)));
  void exited.then(() => {
    if (!closing && !broken) fail(threadEnded(options.path, 'it exited'));
    breakOff('already closed');
  });

  return {
    failed,
    refusing: failures.current,
    call: (name, argument?: unknown) => enqueue([name, argument]),
    close() {
      closing ??= exited;
      schedule();
      return closing;
    },
  };
}

/** Removes the calls of the next batch from the queue. */
function takeBatch(queue: Waiting[]): Waiting[] {
  let count = 0;
  let bytes = 0;
  for (const waiting of queue) {
    bytes += waiting.bytes;
    if (count === MAX_WRITES || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
    count += 1;
  }
  return queue.splice(0, count);
}

/** About the size of what a call sends to the worker or gets from it. */
function bytesOf([name, argument]: Call): number {
  if (name === 'show') return SHOWN_BYTES;
  if (name === 'load') return MAX_BATCH_BYTES;
  if (name !== 'commit') return 0;
  const { entries, remember = '' } = argument as ArgumentOf<'commit'>;
  return entries.reduce((sum, [, , , , , , , , , source, message]) => {
    return sum + (source?.length ?? 0) + (message?.length ?? 0);
  }, remember.length);
}

const callOf = ({ call }: Waiting): Call => call;

const unavailable = (path: string, why: string): FluxCDEventsError =>
  new FluxCDEventsError('FCE_STORE_UNAVAILABLE', `store ${path}: ${why}`);

const threadEnded = (path: string, cause: unknown): FluxCDEventsError =>
  new FluxCDEventsError(
    'FCE_STORE_FAILED',
    `store ${path}: its thread ended: ${messageOf(cause)}. Nothing is lost: start again, ` +
      'with more memory if that was the reason',
    { cause },
  );

const failureOf = ({ code = 'FCE_STORE_FAILED', message }: Failure): FluxCDEventsError =>
  new FluxCDEventsError(code, message);

const errorOf = ({ code, message }: Failure): Error =>
  code ? new FluxCDEventsError(code, message) : new Error(message);

/** Logs once when the store fails or is full and once when it works again, and logs every invalid call. */
function createFailureLog(logger: Logger | undefined, path: string) {
  let failing: string | undefined;
  let full: string | undefined;
  let refused = 0;
  return {
    current: () => full ?? failing,
    room(reason: string | undefined): void {
      if (reason !== undefined) logger?.error({ path, error: reason }, 'store is full');
      else logger?.info({ path, refused }, 'store has room again');
      full = reason;
      refused = 0;
    },
    note(kind: 'reads' | 'writes', failures: ReadonlyMap<number, Failure> | undefined): void {
      let failed = false;
      for (const { code, message, noRoom } of failures?.values() ?? []) {
        if (noRoom) refused += 1;
        else if (code === undefined) logger?.error({ path, error: message }, 'store refused a call');
        else {
          failed = true;
          if (failing === undefined) logger?.error({ path, code, error: message }, 'store failed');
          failing ??= message;
        }
      }
      if (failing !== undefined && kind === 'writes' && !failed) {
        failing = undefined;
        logger?.info({ path }, 'store works again');
      }
    },
  };
}

/** Resolves once the worker has opened the file. */
function opened(
  worker: Worker,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Extract<WorkerMessage, { readonly kind: 'opened' }>> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      const stopped = new FluxCDEventsError('FCE_STOPPED', `store ${path}: stopped before it was open`);
      void worker.terminate().then(() => reject(stopped));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    worker.once('message', () => signal?.removeEventListener('abort', abort));
    worker.once('message', (message: WorkerMessage) => {
      if (message.kind === 'opened') resolve(message);
      else if (message.kind === 'failed') reject(errorOf(message.failure));
    });
    worker.once('error', (cause) =>
      reject(new FluxCDEventsError('FCE_STORE_UNAVAILABLE', `store ${path}: ${String(cause)}`, { cause })),
    );
  });
}
