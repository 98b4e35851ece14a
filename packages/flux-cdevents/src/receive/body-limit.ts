import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Larger bodies do not take the room of smaller ones, so that a few slow senders cannot keep all others out. */
const SMALL_BYTES = 64 * 1024;

/**
 * Limits the total size of the bodies that are received or wait until their events are durable. Each event is in memory
 * several times while it is parsed, mapped and stored.
 * @param maxBytes of all large bodies together, and of all small ones; one body alone may be larger
 * @param maxBodyBytes what a body without a length may have
 * @param refuse answers a request for which there is no room
 */
export function limitBodies(
  server: FastifyInstance,
  { maxBytes, maxBodyBytes }: { readonly maxBytes: number; readonly maxBodyBytes: number },
  refuse: (reply: FastifyReply) => FastifyReply,
): void {
  const inFlight = { small: 0, large: 0 };
  server.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const length = Number(request.headers['content-length'] ?? maxBodyBytes);
    const bytes = Number.isSafeInteger(length) && length >= 0 ? Math.min(length, maxBodyBytes) : maxBodyBytes;
    const size = bytes > SMALL_BYTES ? 'large' : 'small';
    if (inFlight[size] > 0 && inFlight[size] + bytes > maxBytes) return refuse(reply);
    inFlight[size] += bytes;
    // Also when the client goes away before it has an answer.
    reply.raw.once('close', () => {
      inFlight[size] -= bytes;
    });
    return undefined;
  });
}
