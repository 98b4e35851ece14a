import { describe, expect, it } from 'vitest';
import { formatIssue } from '../diagnostics/format.ts';
import { parseSecret } from './secret.ts';

const aSecret = (fields: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'token' }, ...fields });
const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('latin1');

describe('parseSecret', () => {
  it('decodes data, and stringData wins', () => {
    const { value } = parseSecret(
      aSecret({ data: { token: 'YWJj', password: 'eA==', empty: null }, stringData: { token: 'plain' } }),
    );
    expect(value?.metadata).toEqual({ namespace: 'default', name: 'token' });
    expect(textOf(value?.data.token)).toBe('plain');
    expect(textOf(value?.data.password)).toBe('x');
    expect(textOf(value?.data.empty)).toBe('');
  });

  it('takes base64 over several lines', () => {
    expect(textOf(parseSecret(aSecret({ data: { a: 'YWJj\nZGVm\n' } })).value?.data.a)).toBe('abcdef');
  });

  it('keeps bytes that are no text', () => {
    expect(textOf(parseSecret(aSecret({ data: { a: '/wA=' } })).value?.data.a)).toBe('\xff\x00');
  });

  it('shows no value in its issues', () => {
    const secret = 's3cr3t! not base64';
    const { issues } = parseSecret(
      aSecret({ metadata: {}, data: { 'tls.key': secret, n: 5 }, stringData: { l: [secret] } }),
    );
    expect(issues.map(formatIssue)).toEqual([
      'metadata.name: expected the name of the Secret, found nothing',
      'data.n: expected base64, found a number',
      'data[tls.key]: expected base64, found 18 bytes that are not',
      'stringData.l: expected a string, found a list',
    ]);
  });

  it.each(['text', ['a'], 5])('refuses %j as data', (data) =>
    expect(parseSecret(aSecret({ data })).issues).toMatchObject([
      { path: ['data'], expected: 'a map of keys to values', found: 'something else' },
    ]),
  );
});
