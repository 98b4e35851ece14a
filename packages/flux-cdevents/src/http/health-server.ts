import { type FastifyInstance, fastify } from 'fastify';

export interface HealthServerDeps {
  /** Why the process cannot take events now, one reason each; empty when it can. No secret in them. */
  readonly ready: () => readonly string[];
}

/**
 * What the kubelet asks: `/healthz` answers as long as the event loop turns, `/readyz` 503 with the reasons, one a
 * line, while events would not be taken.
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
