import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Acceptance } from '../contracts.ts';
import type { FluxEvent } from '../flux/event.ts';
import { type NamespacedName, nameOf } from '../flux/object-ref.ts';
import type { Logger } from '../observe/log.ts';
import type { ResolvedProvider } from '../provider/provider.ts';
import { isUnavailable, type Responder } from './responder.ts';
import { isSignedWith } from './signature.ts';

export interface WebhookDeps {
  /**
   * The Provider of this name; undefined when there is none.
   * @throws {FluxCDEventsError} `FCE_CONFIG_NOT_LOADED`
   */
  readonly provider: (name: NamespacedName) => ResolvedProvider | undefined;
  /** Resolves once the event is durable. */
  readonly accept: (provider: NamespacedName, event: FluxEvent, body: Uint8Array) => Promise<Acceptance>;
  /**
   * Reads the key of a Provider again after a signature did not match, since the key may have been rotated. Resolves after
   * the same time when no Provider has the name. Absent: known keys are always current.
   */
  readonly renew?: (provider: NamespacedName) => Promise<void>;
}

/** How many requests with a wrong signature may wait at a time: each holds its body meanwhile. */
const MAX_RENEWING = 16;

/** Checked in place of a missing key, so that neither the answer nor its delay reveals which Providers exist. */
const nobodysKey = randomBytes(32);

type Params = { Params: { namespace: string; name: string } };

/**
 * `POST /webhook/{namespace}/{provider}`: receives events that a stock notification-controller sends through a Provider of
 * type `generic-hmac` or `generic`. The signature is checked over the received bytes before they are parsed. A wrong
 * signature and an unknown Provider are both answered with 401, so that an unsigned caller cannot discover which Providers
 * exist; a signed request for a Provider that does not deliver CDEvents is answered with 404.
 */
export function webhookRoutes(server: FastifyInstance, deps: WebhookDeps, responder: Responder, logger: Logger): void {
  let renewing = 0;
  /** @returns false when too many requests wait already */
  const renew = async (ref: NamespacedName): Promise<boolean> => {
    if (!deps.renew || renewing >= MAX_RENEWING) return false;
    renewing++;
    await deps.renew(ref).finally(() => renewing--);
    return true;
  };

  server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

    scope.post<Params>('/webhook/:namespace/:name', async (request, reply) => {
      const { namespace, name } = request.params;
      const ref = { namespace, name };
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const signature = request.headers['x-signature'];
      const look = () => {
        const provider = deps.provider(ref);
        return { provider, refusal: refuse(provider, signature, body) };
      };
      let found: ReturnType<typeof look>;
      try {
        found = look();
        if (found.refusal && signature !== undefined && (await renew(ref))) found = look();
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        return responder.unavailable(reply, error);
      }
      const { provider, refusal } = found;
      if (refusal) {
        logger.info({ provider: nameOf(ref), error: refusal }, 'webhook request refused');
        return responder.answer(reply.header('WWW-Authenticate', 'X-Signature'), 401, 'unauthorized');
      }
      if (provider?.type !== 'cdevents') {
        const error = 'expected type cdevents, or an annotation with the address of a receiver';
        logger.error({ provider: nameOf(ref), error }, 'webhook request for a Provider that makes no CDEvents');
        return responder.answer(reply, 404, 'not_found');
      }
      return responder.take(reply, body.toString('utf8'), (event) => deps.accept(ref, event, body), 202);
    });
  });
}

/** Why a request is refused, for the log; undefined when it is not. */
function refuse(
  provider: ResolvedProvider | undefined,
  signature: string | readonly string[] | undefined,
  body: Uint8Array,
): string | undefined {
  const auth = provider && provider.status !== 'foreign' ? provider.webhook : undefined;
  if (auth?.how === 'none') return undefined;
  const text = typeof signature === 'string' ? signature : undefined;
  const isSigned = isSignedWith(auth?.key ?? nobodysKey, text, body);
  if (!provider) return 'no such Provider';
  if (!auth) return 'the Provider has no Secret with a token to check signatures with';
  if (isSigned) return undefined;
  return text === undefined ? 'no X-Signature' : 'X-Signature does not fit the token and the body';
}
