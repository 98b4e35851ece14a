import { describeSize } from '../../diagnostics/issues.ts';
import type { Secret } from '../../flux/secret.ts';
import type { HandledType } from '../provider.ts';
import { complain, type Findings, textOf } from './findings.ts';
import { headerValue, isHeaderValue, parseHeaders } from './headers.ts';
import { basicAuthorization, MIN_MASKED_CHARS } from './url.ts';

/** The `headers` of a Secret. */
export function resolveHeaders(secret: Secret, findings: Findings): Readonly<Record<string, string>> {
  const text = textOf(secret, 'headers', findings.issues);
  if (text === undefined) return {};
  const { headers, complaints } = parseHeaders(text);
  for (const complaint of complaints) complain(findings, secret, 'headers', complaint);
  for (const value of Object.values(headers)) {
    if (value.length >= MIN_MASKED_CHARS) findings.masked.add(value);
  }
  const authorization = headerValue(headers, 'authorization');
  if (authorization) findings.masked.add(credentialsOf(authorization));
  return headers;
}

/** `Bearer` before `Basic`. The generic types send neither, as in the notification-controller. */
export function resolveAuthorization(
  type: HandledType,
  specUsername: string | undefined,
  secret: Secret | undefined,
  findings: Findings,
): string | undefined {
  if (!secret) return undefined;
  const sent = type === 'cdevents';
  const complaints = sent ? findings.issues : [];
  const token = textOf(secret, 'token', complaints);
  const username = textOf(secret, 'username', complaints) ?? specUsername;
  const password = textOf(secret, 'password', complaints);
  if (token) findings.masked.add(token).add(token.trim());
  if (password) findings.masked.add(password);
  const basic = username !== undefined && password !== undefined ? basicAuthorization(username, password) : undefined;
  if (basic) findings.masked.add(credentialsOf(basic));
  if (!sent) return undefined;

  if (username === undefined && password !== undefined) {
    complain(findings, secret, 'username', { expected: 'a user name next to password', found: 'nothing' });
  }
  if (secret.data.username !== undefined && secret.data.password === undefined) {
    complain(findings, secret, 'password', { expected: 'a password next to username', found: 'nothing' });
  }
  if (username?.includes(':') && password !== undefined) {
    complain(findings, secret, 'username', { expected: 'a user name without a colon', found: 'one with a colon' });
  }
  if (token === undefined) return basic;
  if (token.trim() === '') {
    complain(findings, secret, 'token', { expected: 'a token', found: token === '' ? 'nothing' : 'only white space' });
  } else if (!isHeaderValue(token)) {
    const found = /[\r\n]$/.test(token) ? `${describeSize(token)} that end with a line break` : describeSize(token);
    complain(findings, secret, 'token', { expected: 'one line of printable ASCII without a line break', found });
  }
  return `Bearer ${token}`;
}

/** Byte for byte. Of `generic-hmac` it is the `token`, as in the notification-controller; else it is `hmacKey`. */
export function resolveHmacKey(
  type: HandledType,
  secret: Secret | undefined,
  findings: Findings,
): Uint8Array | undefined {
  if (!secret) return undefined;
  const name = type === 'generic-hmac' ? 'token' : 'hmacKey';
  const key = secret.data[name];
  if (key === undefined && type !== 'generic-hmac') return undefined;
  if (key === undefined || key.byteLength === 0) {
    complain(findings, secret, name, { expected: 'the HMAC key', found: 'nothing' });
    return undefined;
  }
  const text = Buffer.from(key).toString('utf8');
  findings.masked.add(text).add(text.trim());
  return key;
}

/** `Bearer abc` without its scheme: a receiver may repeat the credentials alone. */
export const credentialsOf = (authorization: string): string =>
  authorization.slice(authorization.indexOf(' ') + 1).trim();
