import type { IncomingHttpHeaders } from 'node:http';
import { bearerOf } from '../lib/bearer.ts';
import { isSameSecret } from '../lib/secret-compare.ts';
import { ApiError } from './api-error.ts';
import { createWrongTokens } from './wrong-tokens.ts';

/** The parts of a request that the guard checks. */
export interface GuardedRequest {
  /** Address of the peer. */
  readonly ip: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Decides who may use the API.
 *
 * A request that a browser makes for a page of another origin is refused, whatever it asks for: one whose
 * `Sec-Fetch-Site` is neither `same-origin` nor `none`, or whose `Origin` is not that of its `Host`. Programs send neither.
 *
 * With a token, every request must carry it as `Authorization: Bearer …`; it is compared in constant time. After ten wrong
 * ones within a minute the peer is refused until the minute is over, whatever token it sends then: if the right one were
 * taken, guesses would not be limited at all.
 *
 * Without a token, only requests whose `Host` is a loopback name (`localhost`, `*.localhost`, 127.0.0.0/8, `::1`) are
 * answered. A web page whose name resolves to 127.0.0.1 (DNS rebinding) still sends its own name as `Host`, and is
 * refused. The `Host` does not show where a request comes from: without a token, bind to a loopback address.
 *
 * In both cases a `POST` must be `application/json`. A page of another origin can send that only after a preflight
 * request, which is never granted.
 *
 * @param now monotonic, in ms
 * @throws {ApiError} 401, 403, 415 or 429 from the function that is returned
 */
export function createGuard(
  token: (() => string) | undefined,
  now: () => number = () => performance.now(),
): (request: GuardedRequest) => void {
  const wrongTokens = createWrongTokens(now);

  const checkToken = ({ ip, headers }: GuardedRequest, expected: string) => {
    const waitMs = wrongTokens.waitMs(ip);
    if (waitMs > 0) {
      const message = 'Authorization: too many wrong tokens from this address; try again later';
      throw new ApiError(429, 'FCE_API_REFUSED', message, { retryAfterS: Math.ceil(waitMs / 1000) });
    }
    const presented = bearerOf(headers.authorization);
    if (isSameSecret(presented, expected)) return;
    if (headers.authorization !== undefined) wrongTokens.add(ip);
    throw new ApiError(401, 'FCE_API_REFUSED', 'Authorization: expected the bearer token of --ui-token-file');
  };

  return (request) => {
    const { method, headers } = request;
    if (isCrossOrigin(headers)) {
      throw new ApiError(403, 'FCE_API_REFUSED', 'Origin: requests of pages of another origin are not answered');
    }
    if (token === undefined) {
      if (!isLoopbackHost(headers.host)) {
        throw new ApiError(
          403,
          'FCE_API_REFUSED',
          'Host: without a token only localhost and loopback addresses are answered; configure one with --ui-token-file',
        );
      }
    } else checkToken(request, token());
    if (method === 'POST' && mediaTypeOf(headers['content-type']) !== 'application/json') {
      throw new ApiError(415, 'FCE_API_REFUSED', 'Content-Type: expected application/json');
    }
  };
}

/** @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header */
function isCrossOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (headers.origin === undefined) return false;
  const origin = URL.parse(headers.origin)?.host; // behind a proxy that ends TLS the scheme differs
  return origin === undefined || origin !== URL.parse(`http://${headers.host}`)?.host;
}

const mediaTypeOf = (contentType: string | undefined): string | undefined =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase();

/** True for a `Host` header that names this machine without a DNS lookup. */
export function isLoopbackHost(host: string | undefined): boolean {
  const name = host?.toLowerCase().replace(/:\d+$/, '');
  if (name === undefined) return false;
  return name === '[::1]' || name === 'localhost' || name.endsWith('.localhost') || /^127(?:\.\d{1,3}){3}$/.test(name);
}
