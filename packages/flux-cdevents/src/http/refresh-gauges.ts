import type { ConfigSnapshot } from '../config/config-source.ts';
import type { Metrics } from '../observe/metrics.ts';
import { ENTRY_STATES, type EntryState } from '../outbox/entry.ts';
import type { Inspection, ProviderStats } from '../outbox/inspection.ts';

export interface GaugeSources {
  readonly metrics: Pick<Metrics, 'queueDepth' | 'oldestPending' | 'deadLetters' | 'configProblems'>;
  readonly outbox: Pick<Inspection, 'stats'>;
  readonly snapshot: () => ConfigSnapshot | undefined;
}

/**
 * Sets the gauges from the current outbox and configuration. Removes the series of deleted Providers. Removes all
 * series of the outbox when it cannot be read, because old numbers would look like current ones.
 * @throws {FluxCDEventsError} `FCE_STORE_UNAVAILABLE`
 */
export async function refreshGauges({ metrics, outbox, snapshot }: GaugeSources): Promise<void> {
  const { queueDepth, oldestPending, deadLetters, configProblems } = metrics;
  const problems = snapshot()?.problems ?? [];
  for (const severity of ['error', 'warning'] as const) {
    configProblems.set({ severity }, problems.filter((problem) => problem.severity === severity).length);
  }
  // Reads before the reset, so that a concurrent scrape does not find the gauges empty.
  const stats = await outbox.stats().catch((error: unknown) => error);
  for (const gauge of [queueDepth, oldestPending, deadLetters]) gauge.reset();
  if (!Array.isArray(stats)) throw stats;
  const totals = Object.fromEntries(ENTRY_STATES.map((state) => [state, 0])) as Record<EntryState, number>;
  for (const { provider, counts, oldestAgeMs = 0 } of stats as readonly ProviderStats[]) {
    const labels = { namespace: provider.namespace, provider: provider.name };
    for (const state of ENTRY_STATES) totals[state] += counts[state];
    deadLetters.set(labels, counts['dead-letter']);
    oldestPending.set(labels, oldestAgeMs / 1000);
  }
  for (const state of ENTRY_STATES) queueDepth.set({ state }, totals[state]);
}
