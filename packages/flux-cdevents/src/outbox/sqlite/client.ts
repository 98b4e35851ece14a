import { Worker } from 'node:worker_threads';
import { FluxCDEventsError } from '../../errors.ts';
import type { Logger } from '../../observe/log.ts';
import type { Batch, Call, CallName, Calls, Failure, WorkerMessage, WorkerOptions } from './protocol.ts';

/** The maximum number of writes in a batch. No write is answered before the whole batch is committed. */
const MAX_WRITES = 512;

/** Most allocations of the worker are short-lived. A larger young generation costs 100 MB and gains nothing. */
const YOUNG_GENERATION_MB = 8;

/** The side of the main thread. It collects calls while the worker runs a batch, and sends them as the next batch. */
export interface WorkerClient {
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
    underWay.reads = reads.splice(0);
    underWay.writes = writes.splice(0, MAX_WRITES);
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
      (readNames.has(call[0]) ? reads : writes).push({ call, resolve, reject });
      schedule();
    });
  };

  worker.on('message', (message: WorkerMessage) => {
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
  worker.on('error', (cause) => logger?.error({ err: cause, path: options.path }, 'store thread failed'));
  void exited.then(() => {
    broken = unavailable(options.path, closing ? 'already closed' : 'its worker thread has ended');
    for (const { reject } of [...underWay.reads, ...underWay.writes, ...reads, ...writes]) reject(broken);
  });

  return {
    call: (name, argument?: unknown) => enqueue([name, argument]),
    close() {
      closing ??= exited;
      schedule();
      return closing;
    },
  };
}

const callOf = ({ call }: Waiting): Call => call;

const unavailable = (path: string, why: string): FluxCDEventsError =>
  new FluxCDEventsError('FCE_STORE_UNAVAILABLE', `store ${path}: ${why}`);

const errorOf = ({ code, message }: Failure): Error =>
  code ? new FluxCDEventsError(code, message) : new Error(message);

/** Logs once when the store fails and once when it works again, and logs every invalid call. */
function createFailureLog(logger: Logger | undefined, path: string) {
  let failing = false;
  return {
    note(kind: 'reads' | 'writes', failures: ReadonlyMap<number, Failure> | undefined): void {
      for (const { code, message } of failures?.values() ?? []) {
        if (code === undefined) logger?.error({ path, error: message }, 'store refused a call');
        else if (!failing) {
          failing = true;
          logger?.error({ path, code, error: message }, 'store failed');
        }
      }
      if (failing && kind === 'writes' && failures === undefined) {
        failing = false;
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
