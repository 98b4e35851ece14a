/** How many units the expressions of one event may still cost, all of them together. */
export interface RemainingCost {
  left: number;
}

/**
 * Units for one event, about as many as 10 ms of work: a unit is what evaluating one small node takes. Work is counted,
 * not timed, so that the same event always costs the same.
 */
export const MAX_COST = 200_000;

/** What catching an error inside of an expression costs, since making one does. */
export const COST_OF_ERROR = 400;

/** An expression that does too much. Nothing inside of an expression can catch it. */
export class CostError extends Error {
  constructor() {
    super(`costs more than ${MAX_COST.toLocaleString('en-US')} units, which is the limit for one event`);
    this.name = 'CostError';
  }
}

// Expressions run one at a time, to the end: one variable holds what remains for the current event.
let left = 0;

/** @throws {CostError} when less is left */
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

/** Spends for looking at all of a value, as deep as it goes: once for each item, and for long texts by their length. */
export function spendFor(value: unknown): void {
  spend(1);
  if (typeof value === 'string' || value instanceof Uint8Array) {
    spend(value.length >> 6);
  } else if (Array.isArray(value)) {
    for (const item of value) spendFor(item);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, of] of Object.entries(value)) {
      spendFor(key);
      spendFor(of);
    }
  }
}
