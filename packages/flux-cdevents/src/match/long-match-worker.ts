import { parentPort } from 'node:worker_threads';
import type { LongMatch } from './long-matches.ts';
import { isFoundIn } from './match-alert.ts';

parentPort?.on('message', ({ message, expressions }: LongMatch) => {
  for (const expression of expressions) parentPort?.postMessage(isFoundIn(message, expression));
});
