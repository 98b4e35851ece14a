import { messageOf } from '../errors.ts';
import type { Logger } from '../observe/log.ts';
import { backoffMs } from './backoff.ts';

/** Whether the store can be used, told once a change; while it cannot, it is tried again at growing intervals. */
export interface StoreWatch {
  readonly broken: boolean;
  failed(thrown: unknown): void;
  works(): void;
  /** No more trials. */
  close(): void;
}

const MAX_INTERVAL_MS = 10_000;

export function createStoreWatch({
  logger,
  random,
  retry,
}: {
  readonly logger: Logger;
  readonly random: () => number;
  readonly retry: () => void;
}): StoreWatch {
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  return {
    get broken() {
      return failures > 0;
    },
    failed(thrown) {
      if (closed || timer !== undefined) return;
      if (failures === 0) logger.error({ error: messageOf(thrown) }, 'the outbox cannot be used; trying again');
      failures += 1;
      // a quarter of a receiver's back-off: the store is ours, and everything waits for it
      const delay = Math.min(backoffMs(failures, random()) / 4, MAX_INTERVAL_MS);
      timer = setTimeout(() => {
        timer = undefined;
        retry();
      }, delay);
    },
    works() {
      if (failures === 0) return;
      // an answer to an earlier call does not end what a later one found
      if (timer !== undefined) return;
      failures = 0;
      logger.info('the outbox can be used again');
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
