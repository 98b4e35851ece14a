import { describe, expect, it } from 'vitest';
import type { TokenReview } from '../contracts.ts';
import { createTokenReviewCheck, fluxServiceAccounts } from './token-review-check.ts';

const AUDIENCE = 'toolkit.fluxcd.io';
const HELM = 'system:serviceaccount:flux-system:helm-controller';
const NOW = Date.parse('2026-11-24T08:00:00Z');

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const aToken = (claims: object = {}) =>
  `${encode({ alg: 'RS256' })}.${encode({ sub: HELM, aud: [AUDIENCE], exp: NOW / 1000 + 3600, ...claims })}.c2ln`;
const bearer = (token: string) => `Bearer ${token}`;
const good: TokenReview = { authenticated: true, username: HELM, audiences: [AUDIENCE] };

/** A check with an API server that answers as it is told. */
function aCheck(answer: (token: string) => TokenReview | Promise<TokenReview> = () => good) {
  const asked: string[] = [];
  let at = NOW;
  let setBackMs = 0;
  const check = createTokenReviewCheck({
    review: async (token) => {
      asked.push(token);
      return answer(token);
    },
    audience: AUDIENCE,
    serviceAccounts: fluxServiceAccounts('flux-system'),
    now: () => at - setBackMs,
    steady: () => at,
  });
  return {
    asked,
    check: async (authorization?: string) => check(authorization),
    pass: (ms: number) => {
      at += ms;
    },
    setClockBack: (ms: number) => {
      setBackMs += ms;
    },
  };
}

describe('the API server decides', () => {
  it.each<[string, TokenReview, boolean]>([
    ['a token of a Flux controller', good, true],
    ['not authenticated', { authenticated: false, audiences: [] }, false],
    ['good for no audience of ours', { ...good, audiences: [] }, false],
    ['good for another audience', { ...good, audiences: ['https://kubernetes.default.svc'] }, false],
    ['another ServiceAccount', { ...good, username: 'system:serviceaccount:default:helm-controller' }, false],
    ['a user', { ...good, username: 'admin' }, false],
    ['nobody', { authenticated: true, audiences: [AUDIENCE] }, false],
  ])('%s', async (_, answer, allowed) => {
    const { check, asked } = aCheck(() => answer);
    expect(await check(bearer(aToken()))).toBe(allowed);
    expect(asked).toEqual([aToken()]);
  });

  it('and is away: nothing is known, and nothing remembered', async () => {
    let away = true;
    const { check } = aCheck(() => (away ? Promise.reject(new Error('connection refused')) : good));
    await expect(check(bearer(aToken()))).rejects.toMatchObject({
      code: 'FCE_AUTH_UNAVAILABLE',
      message: 'token review: connection refused',
    });
    away = false;
    expect(await check(bearer(aToken()))).toBe(true);
  });
});

it.each<[string, string | undefined]>([
  ['nothing', undefined],
  ['another scheme', `Basic ${aToken()}`],
  ['no token of a ServiceAccount', 'Bearer s3cr3t'],
  ['no JSON in it', 'Bearer a.b.c'],
  ['not signed', `Bearer ${aToken().replace(/[^.]+$/, '')}`],
  ['for another audience', bearer(aToken({ aud: ['other'] }))],
  ['of another ServiceAccount', bearer(aToken({ sub: 'system:serviceaccount:default:default' }))],
  ['expired', bearer(aToken({ exp: NOW / 1000 }))],
])('is not asked about what says itself that it is not good: %s', async (_, authorization) => {
  const { check, asked } = aCheck();
  expect(await check(authorization)).toBe(false);
  expect(asked).toEqual([]);
});

describe('an answer is remembered', () => {
  it('for a minute, when it is good', async () => {
    const { check, asked, pass } = aCheck();
    for (const ms of [0, 30_000, 29_999]) {
      pass(ms);
      expect(await check(bearer(aToken()))).toBe(true);
    }
    expect(asked).toHaveLength(1);
    pass(1);
    await check(bearer(aToken()));
    expect(asked).toHaveLength(2);
  });

  it('for a minute, also when the system clock is set back', async () => {
    const { check, asked, pass, setClockBack } = aCheck();
    await check(bearer(aToken()));
    setClockBack(7_200_000);
    pass(60_000);
    await check(bearer(aToken()));
    expect(asked).toHaveLength(2);
  });

  it('not beyond the life of the token', async () => {
    const token = aToken({ exp: NOW / 1000 + 10 });
    const { check, pass } = aCheck();
    expect(await check(bearer(token))).toBe(true);
    pass(10_000);
    expect(await check(bearer(token))).toBe(false);
  });

  it('for 5 s, when it is bad', async () => {
    let answer: TokenReview = { authenticated: false, audiences: [] };
    const { check, pass } = aCheck(() => answer);
    expect(await check(bearer(aToken()))).toBe(false);
    answer = good;
    pass(4_999);
    expect(await check(bearer(aToken()))).toBe(false);
    pass(1);
    expect(await check(bearer(aToken()))).toBe(true);
  });

  it('under the whole token', async () => {
    const { check, asked } = aCheck();
    await check(bearer(aToken()));
    await check(bearer(`${aToken()}x`));
    expect(asked).toHaveLength(2);
  });

  it('of the last thousand tokens', async () => {
    const { check, asked } = aCheck();
    const tokens = Array.from({ length: 1001 }, (_, jti) => bearer(aToken({ jti })));
    for (const token of tokens) await check(token);
    await check(tokens[1000]);
    expect(asked).toHaveLength(1001);
    await check(tokens[0]);
    expect(asked).toHaveLength(1002);
  });
});

it('asks once for a token that many show at once, and about no more than 16 tokens at a time', async () => {
  const waiting: ((review: TokenReview) => void)[] = [];
  const { check, asked } = aCheck(() => new Promise((resolve) => waiting.push(resolve)));
  const tokens = Array.from({ length: 16 }, (_, jti) => bearer(aToken({ jti })));
  const checks = [...tokens, ...tokens].map((token) => check(token));
  await expect(check(bearer(aToken({ jti: 'one more' })))).rejects.toMatchObject({ code: 'FCE_AUTH_UNAVAILABLE' });
  expect(asked).toHaveLength(16);
  for (const answer of waiting) answer(good);
  expect(await Promise.all(checks)).toEqual(Array(32).fill(true));
});
