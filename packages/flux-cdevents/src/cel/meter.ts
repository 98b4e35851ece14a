/** How much work expressions may still do for one event; shared by all of them. */
export interface Budget {
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

// Expressions run one at a time, to the end: one variable stands for the budget that is being spent.
let left = 0;

/** @throws {CostError} when less is left */
export function spend(units: number): void {
  left -= units;
  if (left < 0) throw new CostError();
}

/** Runs what spends, on a budget. */
export function metered<T>(budget: Budget, run: () => T): T {
  left = budget.left;
  try {
    return run();
  } finally {
    budget.left = left;
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
