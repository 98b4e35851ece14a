import type { FastifyReply } from 'fastify';
import type { Acceptance } from '../contracts.ts';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { type FluxEvent, parseFluxEvent } from '../flux/event.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

/** How long a 503 asks the sender to wait: much less than the sender's timeout of 5 s. */
const RETRY_AFTER_UNAVAILABLE_S = 1;

/** Events are accepted again when none was refused for so long. */
const QUIET_MS = 5_000;

/** The `result` label of a request. */
export type Result =
  | Acceptance['status']
  | 'invalid'
  | 'too_large'
  | 'unauthorized'
  | 'not_found'
  | 'unavailable'
  | 'error';

/** The answers of the events address: a status, a count, and no body. */
export interface Responder {
  answer(reply: FastifyReply, status: number, result: Result): FastifyReply;
  unavailable(reply: FastifyReply, error: FluxCDEventsError, details?: object): FastifyReply;
  /**
   * Parses the event, accepts it, and answers with the result.
   * @param duplicates the status for a duplicate: Flux's recorder expects 429, but a notification-controller would treat that
   * as a failure
   */
  take(
    reply: FastifyReply,
    body: string,
    accept: (event: FluxEvent) => Promise<Acceptance>,
    duplicates: 429 | 202,
  ): Promise<FastifyReply>;
}

export function createResponder(metrics: Metrics, logger: Logger, now: () => number): Responder {
  const answer: Responder['answer'] = (reply, status, result) => {
    metrics.eventsReceived.inc({ result });
    return reply.code(status).send();
  };
  let refused = 0;
  let lastRefusedAt = 0;
  /** Logs the end of a time in which events were not accepted. Each event that was refused is not worth a line. */
  const accepted = () => {
    if (refused === 0 || performance.now() - lastRefusedAt < QUIET_MS) return;
    logger.info({ refused }, 'events are accepted again');
    refused = 0;
  };
  const unavailable: Responder['unavailable'] = (reply, error, details) => {
    if (refused === 0) logger.error({ error: messageOf(error), ...details }, 'events are not accepted now');
    refused += 1;
    lastRefusedAt = performance.now();
    return answer(reply.header('Retry-After', RETRY_AFTER_UNAVAILABLE_S), 503, 'unavailable');
  };

  return {
    answer,
    unavailable,
    async take(reply, body, accept, duplicates) {
      let event: FluxEvent;
      try {
        event = parseFluxEvent(body, now());
      } catch (error) {
        logger.error({ error: messageOf(error) }, 'event refused');
        return answer(reply, 400, 'invalid');
      }
      try {
        const acceptance = await accept(event);
        accepted();
        if (acceptance.status !== 'duplicate') return answer(reply, 202, acceptance.status);
        const seconds = Math.max(1, Math.ceil(acceptance.retryAfterMs / 1000));
        return answer(duplicates === 429 ? reply.header('Retry-After', seconds) : reply, duplicates, 'duplicate');
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return unavailable(reply, error, { involvedObject: event.involvedObject, reason: event.reason });
      }
    },
  };
}

/** True for a temporary failure, after which the sender repeats the request. */
export const isUnavailable = (error: unknown): error is FluxCDEventsError =>
  error instanceof FluxCDEventsError &&
  ['FCE_CONFIG_NOT_LOADED', 'FCE_STORE_UNAVAILABLE', 'FCE_AUTH_UNAVAILABLE'].includes(error.code);
