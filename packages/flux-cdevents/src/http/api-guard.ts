import type { IncomingHttpHeaders } from 'node:http';
import { bearerOf } from '../lib/bearer.ts';
import { isSameSecret } from '../lib/secret-compare.ts';
import { ApiError } from './api-error.ts';

/** The parts of a request that the guard checks. */
export interface GuardedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Decides who may use the API.
 *
 * With a token, every request must carry it as `Authorization: Bearer …`; it is compared in constant time.
 *
 * Without a token, only requests whose `Host` is a loopback name (`localhost`, `*.localhost`, 127.0.0.0/8, `::1`) are
 * answered. A web page whose name resolves to 127.0.0.1 (DNS rebinding) still sends its own name as `Host`, and is
 * refused. The `Host` does not show where a request comes from: without a token, bind to a loopback address.
 *
 * In both cases a `POST` must be `application/json`. A page of another origin can send that only after a preflight
 * request, which is never granted.
 *
 * @throws {ApiError} 401, 403 or 415 from the function that is returned
 */
export function createGuard(token: (() => string) | undefined): (request: GuardedRequest) => void {
  return ({ method, headers }) => {
    if (token === undefined) {
      if (!isLoopbackHost(headers.host)) {
        throw new ApiError(
          403,
          'FCE_API_REFUSED',
          'Host: without a token only localhost and loopback addresses are answered; configure one with --ui-token-file',
        );
      }
    } else if (!isSameSecret(bearerOf(headers.authorization), token())) {
      throw new ApiError(401, 'FCE_API_REFUSED', 'Authorization: expected the bearer token of --ui-token-file');
    }
    if (method === 'POST' && mediaTypeOf(headers['content-type']) !== 'application/json') {
      throw new ApiError(415, 'FCE_API_REFUSED', 'Content-Type: expected application/json');
    }
  };
}

const mediaTypeOf = (contentType: string | undefined): string | undefined =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase();

/** True for a `Host` header that names this machine without a DNS lookup. */
export function isLoopbackHost(host: string | undefined): boolean {
  const name = host?.toLowerCase().replace(/:\d+$/, '');
  if (name === undefined) return false;
  return name === '[::1]' || name === 'localhost' || name.endsWith('.localhost') || /^127(?:\.\d{1,3}){3}$/.test(name);
}
