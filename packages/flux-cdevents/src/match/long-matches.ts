import { Worker } from 'node:worker_threads';
import type { Verdicts } from './match-alert.ts';

/** Matches expressions with a message in a thread of its own, so that the event loop is free meanwhile. */
export interface LongMatches {
  /**
   * Resolves after at most 3 s, a wait for the messages before it included. What is not known by then is undefined: Flux waits
   * 5 s for the answer to an event.
   */
  match(message: string, expressions: readonly string[]): Promise<Verdicts>;
  close(): Promise<void>;
}

/** What the thread gets, and what it answers for each expression in turn. */
export interface LongMatch {
  readonly message: string;
  readonly expressions: readonly string[];
}

const LIMIT_MS = 3_000;
/** The thread ends when it had nothing to do for this long. */
const IDLE_MS = 60_000;

interface PendingMatch extends LongMatch {
  readonly verdicts: Map<string, boolean | undefined>;
  readonly resolve: (verdicts: Verdicts) => void;
  readonly timer: NodeJS.Timeout;
}

/** The thread is started when it is needed first. */
export function createLongMatches({ limitMs = LIMIT_MS, idleMs = IDLE_MS } = {}): LongMatches {
  const pending: PendingMatch[] = [];
  let worker: Worker | undefined;
  let running: PendingMatch | undefined;
  let idle: NodeJS.Timeout | undefined;

  const stop = () => {
    clearTimeout(idle);
    const stopped = worker;
    worker = undefined;
    running = undefined;
    return stopped?.terminate();
  };

  const start = (): Worker => {
    const file = import.meta.url.endsWith('.ts') ? './long-match-worker.ts' : './long-match-worker.js';
    const started = new Worker(new URL(file, import.meta.url), { name: 'long-matches', execArgv: [] });
    started.on('message', (found: boolean) => {
      if (worker !== started || !running) return;
      const { verdicts, expressions } = running;
      for (const expression of expressions) {
        if (verdicts.get(expression) !== undefined) continue;
        verdicts.set(expression, found);
        break;
      }
      if (verdicts.get(expressions.at(-1) ?? '') !== undefined) end(running);
    });
    // Without the thread a verdict stays unknown, which its limit ends.
    started.on('error', () => {
      if (worker === started) void stop();
    });
    started.unref();
    return started;
  };

  const next = () => {
    if (running) return;
    running = pending[0];
    clearTimeout(idle);
    if (!running) {
      idle = setTimeout(() => void stop(), idleMs).unref();
      return;
    }
    worker ??= start();
    const { message, expressions } = running;
    worker.postMessage({ message, expressions } satisfies LongMatch);
  };

  const end = (match: PendingMatch) => {
    clearTimeout(match.timer);
    pending.splice(pending.indexOf(match), 1);
    match.resolve(match.verdicts);
    if (running === match) running = undefined;
    next();
  };

  return {
    match(message, expressions) {
      if (expressions.length === 0) return Promise.resolve(new Map());
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          if (running === match) void stop(); // an expression cannot be interrupted
          end(match);
        }, limitMs);
        const verdicts = new Map<string, boolean | undefined>(expressions.map((expression) => [expression, undefined]));
        const match: PendingMatch = { message, expressions, verdicts, resolve, timer };
        pending.push(match);
        next();
      });
    },
    async close() {
      for (const match of pending.splice(0)) {
        clearTimeout(match.timer);
        match.resolve(match.verdicts);
      }
      await stop();
    },
  };
}
