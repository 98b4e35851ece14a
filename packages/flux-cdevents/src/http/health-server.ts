import type { FastifyInstance, FastifyReply } from 'fastify';
import { createSecureServer } from './secure-server.ts';

export interface HealthServerDeps {
  /** Why the process cannot accept events now. Empty when it can. The reasons contain no secrets. */
  readonly ready: () => readonly string[];
  /** Why only a restart helps. Undefined when the process works. Contains no secrets. */
  readonly dead: () => string | undefined;
}

/**
 * The endpoints for the probes of the kubelet. `/healthz` answers 503 with the reason when only a restart helps.
 * `/readyz` answers 503 with one reason per line while the process cannot accept events.
 */
export function createHealthServer({ ready, dead }: HealthServerDeps): FastifyInstance {
  const server = createSecureServer();
  const answer = (reply: FastifyReply, reasons: readonly string[]) =>
    reply
      .type('text/plain; charset=utf-8')
      .code(reasons.length === 0 ? 200 : 503)
      .send(reasons.length === 0 ? 'ok\n' : reasons.map((reason) => `${reason}\n`).join(''));
  const fatal = () => [dead()].filter((reason) => reason !== undefined);
  server.get('/healthz', async (_request, reply) => answer(reply, fatal()));
  server.get('/readyz', async (_request, reply) => answer(reply, [...fatal(), ...ready()]));
  return server;
}
