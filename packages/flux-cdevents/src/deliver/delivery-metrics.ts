import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';

/**
 * The metrics of delivery. Finding a series by its labels is slower than counting, so each series is found once and
 * kept.
 */
export interface DeliveryMetrics {
  countAttempt(provider: NamespacedName, type: string, outcome: DeliveryOutcome): void;
  countSettled(provider: NamespacedName, type: string, outcome: 'delivered' | 'dead-letter', count?: number): void;
  /** How long an attempt took. */
  observeAttempt(provider: NamespacedName, seconds: number): void;
  /** How long it took from the commit of an entry to the answer of the receiver that accepted it. */
  observeEndToEnd(provider: NamespacedName, seconds: number): void;
}

interface CounterSeries {
  inc(by?: number): void;
}

interface HistogramSeries {
  observe(seconds: number): void;
}

export function createDeliveryMetrics({ attempts, deliveries, deliveryDuration, endToEnd }: Metrics): DeliveryMetrics {
  const counters = new Map<string, CounterSeries>();
  const histograms = new Map<string, Record<'attempt' | 'endToEnd', HistogramSeries>>();

  const counterOf = (key: string, find: () => CounterSeries): CounterSeries => {
    let counter = counters.get(key);
    if (!counter) {
      counter = find();
      counters.set(key, counter);
    }
    return counter;
  };
  const histogramsOf = (provider: NamespacedName) => {
    const key = nameOf(provider);
    let found = histograms.get(key);
    if (!found) {
      const labels = [provider.namespace, provider.name] as const;
      found = { attempt: deliveryDuration.labels(...labels), endToEnd: endToEnd.labels(...labels) };
      histograms.set(key, found);
    }
    return found;
  };

  return {
    countAttempt({ namespace, name }, type, { status, code }) {
      const key = `${namespace}/${name} ${type} ${status} ${code}`;
      counterOf(key, () => attempts.labels(namespace, name, type, status, code)).inc();
    },
    countSettled({ namespace, name }, type, outcome, count = 1) {
      const key = `${namespace}/${name} ${type} ${outcome}`;
      counterOf(key, () => deliveries.labels(namespace, name, type, outcome)).inc(count);
    },
    observeAttempt: (provider, seconds) => histogramsOf(provider).attempt.observe(seconds),
    observeEndToEnd: (provider, seconds) => histogramsOf(provider).endToEnd.observe(seconds),
  };
}
