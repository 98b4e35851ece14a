/** How many cost units the expressions of one event may still use together. */
export interface RemainingCost {
  left: number;
}

/**
 * The cost units of one event, about 10 ms of work: a unit is the evaluation of one small node. Work is counted, not timed, so
 * that the same event always costs the same.
 */
export const MAX_COST = 200_000;

/** The cost of an error that an expression catches, since creating one takes time. */
export const COST_OF_ERROR = 400;

/** An expression costs too much. No expression can catch this error. */
export class CostError extends Error {
  constructor() {
    super(`costs more than ${MAX_COST.toLocaleString('en-US')} units, which is the limit for one event`);
    this.name = 'CostError';
  }
}

// Expressions run one at a time and to the end, so one variable can hold what remains for the current event.
let left = 0;

/** @throws {CostError} when less remains */
export function spend(units: number): void {
  left -= units;
  if (left < 0) throw new CostError();
}

/** Runs a function that calls `spend`, and deducts its cost from what remains. */
export function withRemaining<T>(remaining: RemainingCost, run: () => T): T {
  left = remaining.left;
  try {
    return run();
  } finally {
    remaining.left = left;
  }
}

/** Spends the cost of visiting a value with all its members: a unit for each, and more for a long string. */
export function spendFor(value: unknown): void {
  spend(1);
  if (typeof value === 'string' || value instanceof Uint8Array) {
    spend(value.length >> 6);
  } else if (Array.isArray(value)) {
    for (const item of value) spendFor(item);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, of] of value instanceof Map ? value : Object.entries(value)) {
      spendFor(key);
      spendFor(of);
    }
  }
}
