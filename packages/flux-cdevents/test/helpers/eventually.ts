import { vi } from 'vitest';

/** Repeats an assertion until it holds. Patient, for a machine that is busy with other things. */
export const eventually = <T>(assertion: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(assertion, { timeout: 5_000, interval: 5 });
