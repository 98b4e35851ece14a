import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { classifyAnswer, classifyFailure, MAX_RETRY_AFTER_MS, parseRetryAfter, timedOut } from './classify.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('classifyAnswer', () => {
  it.each([
    [200, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [299, 'delivered'],
    [301, 'rejected'],
    [302, 'rejected'],
    [304, 'rejected'],
    [307, 'rejected'],
    [400, 'rejected'],
    [401, 'retryable slowly'],
    [402, 'rejected'],
    [403, 'retryable slowly'],
    [404, 'retryable'],
    [405, 'rejected'],
    [407, 'rejected'],
    [408, 'retryable'],
    [409, 'retryable'],
    [410, 'rejected and stop'],
    [413, 'rejected'],
    [415, 'rejected'],
    [422, 'rejected'],
    [425, 'retryable'],
    [429, 'retryable'],
    [451, 'rejected'],
    [500, 'retryable'],
    [501, 'retryable'],
    [502, 'retryable'],
    [503, 'retryable'],
    [504, 'retryable'],
    [599, 'retryable'],
  ])('%i → %s', (status, expected) => {
    const outcome = classifyAnswer({ status }, NOW);
    const slow = outcome.status === 'retryable' && outcome.slow ? ' slowly' : '';
    const stop = outcome.status === 'rejected' && outcome.stop ? ' and stop' : '';
    expect(`${outcome.status}${slow}${stop}`).toBe(expected);
    expect(outcome.code).toBe(String(status));
  });

  it.each([
    [{ status: 503 }, 'answered 503 Service Unavailable'],
    [{ status: 400, excerpt: 'no such type' }, 'answered 400 Bad Request: no such type'],
    [{ status: 400, excerpt: '' }, 'answered 400 Bad Request'],
    [{ status: 499 }, 'answered 499'],
    [{ status: 301 }, 'answered 301 Moved Permanently; redirects are not followed'],
    [
      { status: 308, location: 'https://sink/' },
      'answered 308 Permanent Redirect (to https://sink/); redirects are not followed',
    ],
  ])('%j reads: %s', (answer, error) => {
    expect(classifyAnswer(answer, NOW)).toMatchObject({ error });
  });

  it('hands on Retry-After of what is retried', () => {
    expect(classifyAnswer({ status: 429, retryAfter: '7' }, NOW)).toMatchObject({ retryAfterMs: 7000 });
    expect(classifyAnswer({ status: 503, retryAfter: 'soon' }, NOW)).not.toHaveProperty('retryAfterMs');
    expect(classifyAnswer({ status: 400, retryAfter: '7' }, NOW)).not.toHaveProperty('retryAfterMs');
  });
});

describe.each(['UTC', 'America/New_York'])('parseRetryAfter in the time zone %s', (zone) => {
  beforeEach(() => void vi.stubEnv('TZ', zone));
  afterEach(() => void vi.unstubAllEnvs());

  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 120 ', 120_000],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sunday, 01-Mar-26 12:00:30 GMT', 30_000], // the two older forms that a recipient has to know
    ['Sun Mar  1 12:00:30 2026', 30_000],
    ['Sun Mar  1 12:00:30 2026 GMT', 30_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['999999999', MAX_RETRY_AFTER_MS],
    ['Fri, 01 Mar 2999 12:00:00 GMT', MAX_RETRY_AFTER_MS],
    [undefined, undefined],
    ['', undefined],
    ['-3', undefined],
    ['5.5', undefined],
    ['1e3', undefined],
    ['2026-03-01', undefined],
    ['Sun, maybe', undefined],
  ])('%j → %j', (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms);
  });
});

describe('classifyFailure', () => {
  const failure = (code: string, message = '', cause?: unknown) =>
    Object.assign(new Error(message, { cause }), code && { code });

  it.each([
    ['ECONNREFUSED', 'ECONNREFUSED', 'connection refused'],
    ['ECONNRESET', 'ECONNRESET', 'connection closed before an answer came'],
    ['UND_ERR_SOCKET', 'ECONNRESET', 'connection closed before an answer came'],
    ['EPIPE', 'ECONNRESET', 'connection closed before an answer came'],
    ['ENOTFOUND', 'ENOTFOUND', 'host name not found'],
    ['EAI_AGAIN', 'EAI_AGAIN', 'host name cannot be looked up now'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout', 'no connection in time'],
    ['CERT_HAS_EXPIRED', 'tls', 'TLS: the certificate has expired'],
    ['CERT_REVOKED', 'tls', 'TLS: cert revoked'],
    ['ERR_SSL_SOMETHING', 'tls', 'TLS: the handshake failed'],
    ['HPE_INVALID_CONSTANT', 'http', 'answered something that is not HTTP/1.1'],
    ['EWEIRD', 'EWEIRD', 'connection failed (EWEIRD)'],
    ['', 'error', 'connection failed'],
  ])('%s → %s: %s', (code, label, error) => {
    expect(classifyFailure(failure(code, 'to 10.0.0.1:5000'))).toEqual({ status: 'retryable', code: label, error });
  });

  it('names the address when it may', () => {
    expect(classifyFailure(failure('ECONNREFUSED'), { where: 'http://sink:5000' })).toMatchObject({
      error: 'connection refused (http://sink:5000)',
    });
  });

  it('quotes the reason that OpenSSL gives', () => {
    const message =
      'write EPROTO 40:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:../x.c:1:';
    expect(classifyFailure(failure('EPROTO', message))).toMatchObject({
      code: 'tls',
      error: 'TLS: tlsv1 alert protocol version',
    });
  });

  it('distinguishes the proxy from the receiver', () => {
    expect(classifyFailure(failure('ECONNREFUSED'), { proxied: true })).toMatchObject({
      error: 'the proxy: connection refused',
    });
    expect(classifyFailure(failure('UND_ERR_ABORTED', 'Proxy response (502) !== 200 when HTTP Tunneling'))).toEqual({
      status: 'retryable',
      code: 'proxy',
      error: 'the proxy answered 502 Bad Gateway',
    });
    expect(classifyFailure(failure('', 'Proxy Authentication Required (407)'))).toMatchObject({ slow: true });
  });

  it('looks for the code in the causes', () => {
    expect(classifyFailure(failure('UND_ERR_PRX_CONN', '', failure('ECONNRESET')))).toMatchObject({
      code: 'ECONNRESET',
    });
  });
});

it.each([
  [15_000, 'no answer within 15 s'],
  [1500, 'no answer within 1500 ms'],
])('timedOut(%i) reads: %s', (ms, error) => {
  expect(timedOut(ms)).toEqual({ status: 'retryable', code: 'timeout', error });
});
