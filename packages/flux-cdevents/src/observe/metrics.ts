import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const deliveryBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const endToEndBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 1800, 7200, 43200, 86400];

/** Every metric of the process, in one place. Names are contract: docs/options.md lists them. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    httpDuration: new Histogram({
      name: 'gotk_event_http_request_duration_seconds',
      help: 'The latency of the HTTP requests.',
      labelNames: ['service', 'handler', 'method', 'code'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    httpResponseSize: new Histogram({
      name: 'gotk_event_http_response_size_bytes',
      help: 'The size of the HTTP responses.',
      labelNames: ['service', 'handler', 'method', 'code'],
      buckets: [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000],
      registers,
    }),
    httpInflight: new Gauge({
      name: 'gotk_event_http_requests_inflight',
      help: 'The number of inflight requests being handled at the same time.',
      labelNames: ['service', 'handler'],
      registers,
    }),
    eventsReceived: new Counter({
      name: 'flux_cdevents_events_received_total',
      help: 'Requests with Flux events, by result: stored, nothing, duplicate, invalid, too_large, unauthorized, not_found, unavailable, error.',
      labelNames: ['result'],
      registers,
    }),
    eventsMapped: new Counter({
      name: 'flux_cdevents_events_mapped_total',
      help: 'CDEvents made from Flux events.',
      labelNames: ['type', 'preset'],
      registers,
    }),
    eventsSkipped: new Counter({
      name: 'flux_cdevents_events_skipped_total',
      help: 'Selected Flux events that made no CDEvent, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    undecidedExpressions: new Counter({
      name: 'flux_cdevents_undecided_expressions_total',
      help: 'Expressions of Alerts that took too long with the message of an event, so that their list let it through.',
      registers,
    }),
    deliveries: new Counter({
      name: 'flux_cdevents_deliveries_total',
      help: 'Entries that were delivered or became dead letters, by outcome.',
      labelNames: ['namespace', 'provider', 'type', 'outcome'],
      registers,
    }),
    attempts: new Counter({
      name: 'flux_cdevents_delivery_attempts_total',
      help: 'Delivery attempts; code is the HTTP status or an error code.',
      labelNames: ['namespace', 'provider', 'type', 'outcome', 'code'],
      registers,
    }),
    deliveryDuration: new Histogram({
      name: 'flux_cdevents_delivery_duration_seconds',
      help: 'Duration of one delivery attempt.',
      labelNames: ['namespace', 'provider'],
      buckets: deliveryBuckets,
      registers,
    }),
    endToEnd: new Histogram({
      name: 'flux_cdevents_end_to_end_seconds',
      help: 'Time from the commit of an event to the answer of the receiver that accepted it.',
      labelNames: ['namespace', 'provider'],
      buckets: endToEndBuckets,
      registers,
    }),
    queueDepth: new Gauge({
      name: 'flux_cdevents_queue_depth',
      help: 'Entries in the outbox by state.',
      labelNames: ['state'],
      registers,
    }),
    oldestPending: new Gauge({
      name: 'flux_cdevents_oldest_pending_seconds',
      help: 'Age of the oldest entry that is neither delivered nor a dead letter.',
      labelNames: ['namespace', 'provider'],
      registers,
    }),
    deadLetters: new Gauge({
      name: 'flux_cdevents_dead_letters',
      help: 'Dead letters that wait to be replayed or discarded.',
      labelNames: ['namespace', 'provider'],
      registers,
    }),
    configProblems: new Gauge({
      name: 'flux_cdevents_config_problems',
      help: 'Configuration objects and files with a problem.',
      labelNames: ['severity'],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
