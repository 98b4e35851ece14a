import { type FastifyInstance, fastify } from 'fastify';
import type { Metrics } from '../observe/metrics.ts';

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
  const server = fastify({ forceCloseConnections: true });
  server.get('/metrics', async (_request, reply) => {
    await refresh().catch(() => undefined);
    const text = await metrics.registry.metrics();
    return reply.type(metrics.registry.contentType).send(text);
  });
  return server;
}
