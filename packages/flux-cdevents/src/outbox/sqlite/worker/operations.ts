import { deadLetters } from './dead-letters.ts';
import { eventStore } from './event-store.ts';
import { inspection } from './inspection.ts';
import type { Operations } from './operation.ts';
import { retention } from './retention.ts';
import { workQueue } from './work-queue.ts';

export const operations: Operations = { ...eventStore, ...workQueue, ...inspection, ...deadLetters, ...retention };
