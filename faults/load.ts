import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { fluxEvent } from '../bench/load.ts';
import type { Ledger } from './ledger.ts';

export interface LoadOptions {
  readonly ledger: Ledger;
  /** The event endpoint. */
  readonly url: string;
  readonly objects: number;
  /** Events of each object. */
  readonly each: number;
  /** @default 1 */
  readonly first?: number;
  /** Bytes that each message is padded with, in characters that take two bytes each in memory as well. @default 0 */
  readonly padding?: number;
  /** @default 16 */
  readonly connections?: number;
  /** How often an event is posted until it is accepted. @default without end */
  readonly attempts?: number;
  /** Milliseconds between two posts of one connection. @default 0 */
  readonly everyMs?: number;
}

export interface Load {
  /** Events that were accepted or given up so far. */
  readonly ended: number;
  /** How often each status was answered. */
  readonly statuses: ReadonlyMap<number | 'none', number>;
  /** Resolves when every event was accepted or given up. */
  readonly done: Promise<void>;
  /** Posts no further event. */
  stop(): void;
}

const RETRY_MS = 200;

/**
 * Posts events as the controllers of Flux do: the events of one object one after the other, each again until it is
 * accepted. 429 after an attempt without an answer means that the attempt was accepted.
 */
export function startLoad(options: LoadOptions): Load {
  const { ledger, url, objects, each, first = 1, padding = 0, connections = 16, everyMs = 0 } = options;
  const { attempts = Number.POSITIVE_INFINITY } = options;
  const statuses = new Map<number | 'none', number>();
  const agent = new Agent({ connections, headersTimeout: 20_000 });
  const run = padding === 0 ? 'ledger' : 'ж'.repeat(padding / 2);
  let ended = 0;
  let stopped = false;
  let next = 0;

  const post = async (body: string): Promise<number | 'none'> => {
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        dispatcher: agent,
      });
      await answer.body.dump();
      return answer.statusCode;
    } catch {
      return 'none';
    }
  };

  const send = async (object: number, number: number) => {
    const body = fluxEvent((number - 1) * objects + object, { objects, run });
    for (let attempt = 1; attempt <= attempts && !stopped; attempt++) {
      const status = await post(body);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 202 || (status === 429 && attempt > 1)) {
        ledger.accept(`${object}/${number}`);
        break;
      }
      if (typeof status === 'number' && status < 500 && status !== 429)
        throw new Error(`the event was answered ${status}`);
      await delay(RETRY_MS);
    }
    ended += 1;
  };

  const worker = async () => {
    while (next < objects && !stopped) {
      const object = next++;
      for (let number = first; number < first + each && !stopped; number++) {
        await send(object, number);
        if (everyMs > 0) await delay(everyMs);
      }
    }
  };
  const done = Promise.all(Array.from({ length: Math.min(connections, objects) }, worker)).then(() => agent.destroy());
  return {
    get ended() {
      return ended;
    },
    statuses,
    done,
    stop() {
      stopped = true;
    },
  };
}
