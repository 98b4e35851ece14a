import { describe, expect, it } from 'vitest';
import { createGuard, isLoopbackHost } from './api-guard.ts';

const statusOf = (check: () => void): number => {
  try {
    check();
    return 200;
  } catch (error) {
    return (error as { status: number }).status;
  }
};

describe('isLoopbackHost', () => {
  it.each([
    ['localhost', true],
    ['LOCALHOST:9393', true],
    ['ui.localhost:9393', true],
    ['127.0.0.1:9393', true],
    ['127.1.2.3', true],
    ['[::1]:9393', true],
    ['evil.example', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['evil.example:127', false],
    ['10.0.0.7:9393', false],
    ['', false],
    [undefined, false],
  ])('%s → %s', (host, expected) => expect(isLoopbackHost(host)).toBe(expected));
});

describe('without a token', () => {
  const guard = createGuard(undefined);
  it('answers loopback names only', () => {
    expect(statusOf(() => guard({ method: 'GET', headers: { host: '127.0.0.1:9393' } }))).toBe(200);
    expect(statusOf(() => guard({ method: 'GET', headers: { host: 'rebound.example:9393' } }))).toBe(403);
  });

  it.each([
    [undefined, 415],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['text/plain; application/json', 415],
    ['application/json', 200],
    ['Application/JSON; charset=utf-8', 200],
  ])('takes a POST of %s: %s', (type, status) => {
    const headers = { host: 'localhost', ...(type && { 'content-type': type }) };
    expect(statusOf(() => guard({ method: 'POST', headers }))).toBe(status);
  });
});

describe('with a token', () => {
  it.each([
    ['Bearer s3cret', 200],
    ['bearer s3cret', 200],
    ['Bearer other', 401],
    ['Bearer s3cre', 401],
    ['Basic s3cret', 401],
    ['s3cret', 401],
    ['Bearer ', 401],
    [undefined, 401],
  ])('%s: %s', (authorization, status) => {
    const headers = { host: 'flux.example', ...(authorization && { authorization }) };
    expect(statusOf(() => createGuard(() => 's3cret')({ method: 'GET', headers }))).toBe(status);
  });

  it('compares with the current token', () => {
    let token = 'old';
    const guard = createGuard(() => token);
    const request = { method: 'GET', headers: { authorization: 'Bearer old' } };
    expect(statusOf(() => guard(request))).toBe(200);
    token = 'new';
    expect(statusOf(() => guard(request))).toBe(401);
  });

  it('refuses every request when the token is empty', () => {
    expect(statusOf(() => createGuard(() => '')({ method: 'GET', headers: { authorization: 'Bearer ' } }))).toBe(401);
    expect(statusOf(() => createGuard(() => '')({ method: 'GET', headers: {} }))).toBe(401);
  });
});
