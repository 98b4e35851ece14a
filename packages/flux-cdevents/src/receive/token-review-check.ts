import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { TokenReview } from '../contracts.ts';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { EVENT_SENDERS } from '../flux/controllers.ts';
import type { NamespacedName } from '../flux/object-ref.ts';
import { bearerOf } from '../lib/bearer.ts';
import { steadyNow } from '../lib/steady-now.ts';

export interface TokenReviewDeps {
  /** Asks the API server. Rejects when there is no answer. */
  readonly review: (token: string, signal: AbortSignal) => Promise<TokenReview>;
  readonly audience: string;
  /** The ServiceAccounts that may post. */
  readonly serviceAccounts: readonly NamespacedName[];
  /** Epoch ms by the system clock, with which the expiry of a token is compared. */
  readonly now: () => number;
  /** How long answers are remembered goes by a clock that nobody sets. Epoch ms. @default steadyNow */
  readonly steady?: () => number;
}

/** How long an accepted token is remembered. A revoked one is accepted for up to this long. */
const GOOD_FOR_MS = 60_000;
/** How long a refused token is remembered: its ServiceAccount may have been created a moment ago. */
const BAD_FOR_MS = 5_000;
const MAX_REMEMBERED = 1_000;
/**
 * How many reviews run at a time, so that invented tokens cannot overload the API server. Remembered tokens need no
 * review.
 */
const MAX_UNDER_WAY = 16;
/** Flux's recorder waits 5 s. */
const TIMEOUT_MS = 3_000;

interface RememberedToken {
  readonly allowed: boolean;
  /** By the steady clock. */
  readonly until: number;
}

/**
 * Checks `Authorization: Bearer <token>` with the API server: the token must belong to a ServiceAccount that may post, and be
 * for the right audience. Answers are remembered for a short time, under a hash of the token. The token's own claims serve
 * only to refuse it without asking.
 * @throws {FluxCDEventsError} from the function that is returned: `FCE_AUTH_UNAVAILABLE`
 */
export function createTokenReviewCheck({
  review,
  audience,
  serviceAccounts,
  now,
  steady = steadyNow,
}: TokenReviewDeps) {
  const usernames = new Set(serviceAccounts.map(({ namespace, name }) => `system:serviceaccount:${namespace}:${name}`));
  const remembered = new LRUCache<string, RememberedToken>({ max: MAX_REMEMBERED });
  const underWay = new Map<string, Promise<boolean>>();

  const ask = async (key: string, token: string): Promise<boolean> => {
    let answer: TokenReview;
    try {
      answer = await review(token, AbortSignal.timeout(TIMEOUT_MS));
    } catch (cause) {
      throw new FluxCDEventsError('FCE_AUTH_UNAVAILABLE', `token review: ${messageOf(cause)}`, { cause });
    }
    const { authenticated, username = '', audiences } = answer;
    const allowed = authenticated && audiences.includes(audience) && usernames.has(username);
    remembered.set(key, { allowed, until: steady() + (allowed ? GOOD_FOR_MS : BAD_FOR_MS) });
    return allowed;
  };

  return (authorization?: string): boolean | Promise<boolean> => {
    const token = bearerOf(authorization);
    const claims = claimsOf(token);
    if (!claims) return false;
    if (!claims.audiences.includes(audience) || !usernames.has(claims.subject) || claims.expiresAt <= now())
      return false;

    const key = hash('sha256', token);
    const known = remembered.get(key);
    if (known && known.until > steady()) return known.allowed;
    const asked = underWay.get(key);
    if (asked) return asked;
    if (underWay.size >= MAX_UNDER_WAY) {
      throw new FluxCDEventsError('FCE_AUTH_UNAVAILABLE', `token review: ${MAX_UNDER_WAY} are under way`);
    }
    const asking = ask(key, token).finally(() => underWay.delete(key));
    underWay.set(key, asking);
    return asking;
  };
}

/** The unverified claims of a ServiceAccount token; undefined for anything else. */
function claimsOf(
  token: string,
): { readonly subject: string; readonly audiences: readonly unknown[]; readonly expiresAt: number } | undefined {
  const [, payload, signature, ...rest] = token.split('.');
  if (!payload || !signature || rest.length > 0) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof claims !== 'object' || claims === null) return undefined;
  const { sub, aud, exp } = claims as { sub?: unknown; aud?: unknown; exp?: unknown };
  if (typeof sub !== 'string') return undefined;
  return {
    subject: sub,
    audiences: Array.isArray(aud) ? aud : [aud],
    expiresAt: typeof exp === 'number' ? exp * 1000 : Number.POSITIVE_INFINITY,
  };
}

/** The ServiceAccounts that may post when no others are named. */
export const fluxServiceAccounts = (namespace: string): readonly NamespacedName[] =>
  EVENT_SENDERS.map((name) => ({ namespace, name }));
