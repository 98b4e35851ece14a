import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../observe/metrics.ts';
import { createSecureServer } from './secure-server.ts';

export interface MetricsServerDeps {
  readonly metrics: Pick<Metrics, 'registry'>;
  /** Updates the gauges before they are read: `refreshGauges`. */
  readonly refresh: () => Promise<void>;
}

/**
 * `/metrics` for Prometheus. When the store cannot be read, the answer lacks the gauges that come from it, so that an
 * alert on their absence fires.
 */
export function createMetricsServer({ metrics, refresh }: MetricsServerDeps): FastifyInstance {
  const server = createSecureServer();
  server.get('/metrics', async (_request, reply) => {
    await refresh().catch(() => undefined);
    const text = await metrics.registry.metrics();
    return reply.type(metrics.registry.contentType).send(text);
  });
  return server;
}
