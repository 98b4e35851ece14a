import type { NamespacedName } from '../flux/object-ref.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { DeliveryOutcome } from '../transport/transport.ts';

/** The metrics of delivery. Looking a series up by its labels costs more than counting, so each is looked up once. */
export interface DeliveryMetrics {
  attempted(provider: NamespacedName, type: string, outcome: DeliveryOutcome): void;
  settled(provider: NamespacedName, type: string, outcome: 'delivered' | 'dead-letter', count?: number): void;
  took(provider: NamespacedName, seconds: number): void;
  arrived(provider: NamespacedName, seconds: number): void;
}

export function createDeliveryMetrics({ attempts, deliveries, deliveryDuration, endToEnd }: Metrics): DeliveryMetrics {
  const known = new Map<string, { inc(by?: number): void }>();
  const histograms = new Map<string, Record<'duration' | 'endToEnd', { observe(seconds: number): void }>>();

  const counter = (key: string, find: () => { inc(by?: number): void }) => {
    let found = known.get(key);
    if (!found) {
      found = find();
      known.set(key, found);
    }
    return found;
  };
  const histogramsOf = (provider: NamespacedName) => {
    const name = nameOf(provider);
    let found = histograms.get(name);
    if (!found) {
      const labels = [provider.namespace, provider.name] as const;
      found = { duration: deliveryDuration.labels(...labels), endToEnd: endToEnd.labels(...labels) };
      histograms.set(name, found);
    }
    return found;
  };

  return {
    attempted({ namespace, name }, type, { status, code }) {
      counter(`${namespace}/${name} ${type} ${status} ${code}`, () =>
        attempts.labels(namespace, name, type, status, code),
      ).inc();
    },
    settled({ namespace, name }, type, outcome, count = 1) {
      counter(`${namespace}/${name} ${type} ${outcome}`, () => deliveries.labels(namespace, name, type, outcome)).inc(
        count,
      );
    },
    took: (provider, seconds) => histogramsOf(provider).duration.observe(seconds),
    arrived: (provider, seconds) => histogramsOf(provider).endToEnd.observe(seconds),
  };
}
