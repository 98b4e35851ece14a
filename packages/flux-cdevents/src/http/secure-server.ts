import { type FastifyInstance, type FastifyReply, type FastifyServerOptions, fastify } from 'fastify';
import { answerFor } from './api-error.ts';

/**
 * No answer is a page: a browser that gets one must not run it, show it in a frame, guess its type, keep it, give it to
 * another origin, or tell another site about it.
 */
const SECURITY_HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Creates a server whose every answer has the security headers, those of errors included. */
export function createSecureServer(
  options: Pick<FastifyServerOptions, 'bodyLimit' | 'routerOptions'> = {},
): FastifyInstance {
  const server = fastify({
    ...options,
    forceCloseConnections: true,
    // a path that cannot be decoded reaches no hook
    frameworkErrors(error, _request, reply) {
      const { status, body } = answerFor(error);
      void (reply as unknown as FastifyReply).headers(SECURITY_HEADERS).code(status).send(body);
    },
  });
  server.addHook('onRequest', async (_request, reply) => void reply.headers(SECURITY_HEADERS));
  return server;
}
