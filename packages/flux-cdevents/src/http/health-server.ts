import { type FastifyInstance, fastify } from 'fastify';

export interface HealthServerDeps {
  /** Why the process cannot accept events now. Empty when it can. The reasons contain no secrets. */
  readonly ready: () => readonly string[];
}

/**
 * The endpoints for the probes of the kubelet. `/healthz` answers as long as the event loop runs. `/readyz` answers 503
 * with one reason per line while the process cannot accept events.
 */
export function createHealthServer({ ready }: HealthServerDeps): FastifyInstance {
  const server = fastify({ forceCloseConnections: true });
  server.get('/healthz', async (_request, reply) => reply.type('text/plain; charset=utf-8').send('ok\n'));
  server.get('/readyz', async (_request, reply) => {
    const reasons = ready();
    reply.type('text/plain; charset=utf-8').code(reasons.length === 0 ? 200 : 503);
    return reply.send(reasons.length === 0 ? 'ok\n' : reasons.map((reason) => `${reason}\n`).join(''));
  });
  return server;
}
