import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may go on before other events have their turn, in ms. */
const MAX_TURN_MS = 20;

/** Divides work into turns of the event loop. */
export interface Turns {
  /** Whether the current turn has lasted for long. */
  readonly over: boolean;
  /** Resolves in the next turn. */
  next(): Promise<void>;
}

export function createTurns(maxTurnMs = MAX_TURN_MS): Turns {
  let since = performance.now();
  return {
    get over() {
      return performance.now() - since > maxTurnMs;
    },
    async next() {
      await nextTurn();
      since = performance.now();
    },
  };
}
