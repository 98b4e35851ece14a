import { describe, expect, it } from 'vitest';
import { createGuard, type GuardedRequest, isLoopbackHost } from './api-guard.ts';

const statusOf = (check: () => void): number => {
  try {
    check();
    return 200;
  } catch (error) {
    return (error as { status: number }).status;
  }
};

const aRequest = (headers: GuardedRequest['headers'], { method = 'GET', ip = '10.0.0.1' } = {}): GuardedRequest => ({
  method,
  ip,
  headers,
});

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
    expect(statusOf(() => guard(aRequest({ host: '127.0.0.1:9393' })))).toBe(200);
    expect(statusOf(() => guard(aRequest({ host: 'rebound.example:9393' })))).toBe(403);
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
    expect(statusOf(() => guard(aRequest(headers, { method: 'POST' })))).toBe(status);
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
    expect(statusOf(() => createGuard(() => 's3cret')(aRequest(headers)))).toBe(status);
  });

  it('compares with the current token', () => {
    let token = 'old';
    const guard = createGuard(() => token);
    const request = aRequest({ authorization: 'Bearer old' });
    expect(statusOf(() => guard(request))).toBe(200);
    token = 'new';
    expect(statusOf(() => guard(request))).toBe(401);
  });

  it('refuses every request when the token is empty', () => {
    expect(statusOf(() => createGuard(() => '')(aRequest({ authorization: 'Bearer ' })))).toBe(401);
    expect(statusOf(() => createGuard(() => '')(aRequest({})))).toBe(401);
  });
});

describe.each([
  ['without a token', createGuard(undefined), {}],
  ['with the right token', createGuard(() => 's3cret'), { authorization: 'Bearer s3cret' }],
])('a browser, %s', (_, guard, credentials) => {
  it.each([
    [{}, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'same-origin', origin: 'http://localhost:9393' }, 200],
    [{ origin: 'http://localhost:9393' }, 200],
    [{ origin: 'https://localhost:9393' }, 200],
    [{ 'sec-fetch-site': 'same-site' }, 403], // localhost:3000 is of the same site
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:9393' }, 403],
    [{ origin: 'http://localhost:3000' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'http://localhost:9393.evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: '' }, 403],
  ])('that says %j: %s', (headers, status) => {
    for (const method of ['GET', 'POST']) {
      const content = { host: 'localhost:9393', 'content-type': 'application/json' };
      expect(statusOf(() => guard(aRequest({ ...content, ...credentials, ...headers }, { method })))).toBe(status);
    }
  });

  it('that has an origin, and no usable host', () => {
    for (const host of [undefined, '', 'a b']) {
      const headers = { ...credentials, ...(host !== undefined && { host }), origin: 'http://localhost:9393' };
      expect(statusOf(() => guard(aRequest(headers)))).toBe(403);
    }
  });
});

describe('wrong tokens', () => {
  const start = () => {
    let now = 1_000_000;
    const guard = createGuard(
      () => 's3cret',
      () => now,
    );
    return {
      wait: (ms: number) => {
        now += ms;
      },
      present: (token: string | undefined, ip = '10.0.0.1') =>
        statusOf(() => guard(aRequest(token === undefined ? {} : { authorization: `Bearer ${token}` }, { ip }))),
    };
  };

  it('are refused with 429 from the eleventh within a minute on, and so is the right one', () => {
    const { present, wait } = start();
    for (let count = 0; count < 10; count++) expect(present(`guess ${count}`)).toBe(401);
    wait(59_999);
    expect([present('guess'), present('s3cret'), present(undefined)]).toEqual([429, 429, 429]);
    wait(1);
    expect([present('s3cret'), present('guess')]).toEqual([200, 401]);
  });

  it('of one peer are not those of another', () => {
    const { present } = start();
    for (let count = 0; count < 11; count++) present('guess', '10.0.0.1');
    expect([present('s3cret', '10.0.0.1'), present('s3cret', '10.0.0.2')]).toEqual([429, 200]);
  });

  it('do not count when there is none, nor the right one', () => {
    const { present } = start();
    for (let count = 0; count < 100; count++) expect([present(undefined), present('s3cret')]).toEqual([401, 200]);
    expect(present('guess')).toBe(401);
  });

  it('of many peers take no more room than those of a thousand', () => {
    const { present } = start();
    for (let count = 0; count < 11; count++) present('guess', 'first');
    for (let peer = 0; peer < 1_000; peer++) present('guess', `peer ${peer}`);
    expect(present('s3cret', 'first')).toBe(200);
  });
});
