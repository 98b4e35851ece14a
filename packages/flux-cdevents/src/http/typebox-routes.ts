import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { ApiError } from './api-error.ts';

/** Gives route handlers the types of their TypeBox schemas. */
export interface TypeBoxProvider extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
}

export type TypedServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxProvider
>;

/**
 * Validates requests with the schemas of their routes. Values in the URL are texts and are converted. Bodies are not
 * converted.
 */
export function validateWithTypeBox(server: FastifyInstance): void {
  server.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const shape = Compile(schema);
    return (input: unknown) => {
      const value = httpPart === 'body' ? input : Value.Convert(schema, input);
      if (shape.Check(value)) return { value };
      const issues = shape.Errors(value).map(({ instancePath, message }) => {
        const path = instancePath.slice(1).replaceAll('/', '.') || (httpPart ?? 'request');
        return `${path}: ${message}`;
      });
      return { error: new ApiError(400, 'FCE_OPTION_INVALID', [...new Set(issues)].join('; ')) };
    };
  });
}
