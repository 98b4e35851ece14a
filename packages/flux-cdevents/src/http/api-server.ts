import { fastifySwagger } from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { messageOf } from '../errors.ts';
import { hasMoreValues } from '../lib/json-values.ts';
import { silentLogger } from '../observe/log.ts';
import { VERSION } from '../version.ts';
import type { ApiServerDeps } from './api-deps.ts';
import { ApiError, answerFor } from './api-error.ts';
import { createGuard } from './api-guard.ts';
import { configRoutes } from './config-routes.ts';
import { deliveryRoutes } from './delivery-routes.ts';
import { createSecureServer } from './secure-server.ts';
import { type TypeBoxProvider, validateWithTypeBox } from './typebox-routes.ts';

/** The path of the API on the UI address. */
export const API_PREFIX = '/api/v1';
/** Enough for the largest Flux event that the event endpoint accepts, and the rest of the request. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** More than the longest name. Without it, a long id would be answered with 414 instead of 404. */
const MAX_PARAM_LENGTH = 16 * 1024;
/** Enough for the values of the largest Flux event as well. More would take long to read. */
const MAX_VALUES = 12_000;

/**
 * The API behind `flux-cdevents deliveries` and `send`, described by its own `openapi.json`. Errors are
 * `{code, message}`. `createGuard` decides who may use it.
 */
export function createApiServer(deps: ApiServerDeps): FastifyInstance {
  const { logger = silentLogger() } = deps;
  const server = createSecureServer({
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
  });
  const guard = createGuard(deps.token);
  server.removeContentTypeParser(['text/plain', 'application/json']);
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (!hasMoreValues(body, MAX_VALUES)) return parseJson(request, body, done);
    const expected = `at most ${MAX_VALUES.toLocaleString('en-US')} values`;
    done(new ApiError(400, 'FCE_OPTION_INVALID', `body: expected JSON of ${expected}, found more`));
  });
  server.setErrorHandler((error, _request, reply) => {
    const { status, body } = answerFor(error);
    if (status >= 500) logger.error({ error: messageOf(error) }, 'API request failed');
    if (status === 401) reply.header('WWW-Authenticate', 'Bearer');
    if (error instanceof ApiError && error.retryAfterS !== undefined) reply.header('Retry-After', error.retryAfterS);
    return reply.code(status).send(body);
  });
  validateWithTypeBox(server);

  void server.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'flux-cdevents',
        version: VERSION,
        description:
          'The events that flux-cdevents has delivered or still has to deliver, and the configuration in force. ' +
          'When a token is configured, every request needs it as a bearer token, and after ten wrong ones within a ' +
          'minute a peer is answered 429; without a token only requests to a loopback name are answered. Requests of ' +
          'pages of another origin are answered 403.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'deliveries', description: 'Entries of the outbox: one CDEvent on its way to one Provider each.' },
        { name: 'configuration', description: 'The Providers and Alerts in force.' },
      ],
      ...(deps.token !== undefined && {
        components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
        security: [{ token: [] }],
      }),
    },
  });
  void server.register(
    async (api) => {
      api.addHook('onRequest', async (request) => guard(request));
      api.setNotFoundHandler(({ method, url }) => {
        throw new ApiError(404, 'FCE_NOT_FOUND', `${method} ${url.split('?', 1)[0]} does not exist`);
      });
      const typed = api.withTypeProvider<TypeBoxProvider>();
      deliveryRoutes(typed, deps);
      configRoutes(typed, deps);
      api.get('/openapi.json', { schema: { hide: true } }, async () => server.swagger());
    },
    { prefix: API_PREFIX },
  );
  return server;
}
