import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CDEventsError } from './errors.ts';
import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts';

describe('header values', () => {
  it.each([
    ['apps/podinfo', 'apps/podinfo'],
    ['Euro € 😀', 'Euro%20%E2%82%AC%20%F0%9F%98%80'],
    ['100% "sure"', '100%25%20%22sure%22'],
    ['line\r\nbreak\u007f', 'line%0D%0Abreak%7F'],
    ['pkg:oci/a@sha256%3Ab', 'pkg:oci/a@sha256%253Ab'],
  ])('%j is written %s', (value, header) => {
    expect(encodeHeaderValue(value)).toBe(header);
    expect(decodeHeaderValue(header)).toBe(value);
  });

  it('are printable ASCII without spaces, and say what they said before', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const header = encodeHeaderValue(value);
        expect(header).toMatch(/^[\x21-\x7e]*$/);
        expect(decodeHeaderValue(header)).toBe(value);
      }),
      { numRuns: 5000 },
    );
  });

  it('write half a surrogate pair as the replacement character', () => {
    expect(decodeHeaderValue(encodeHeaderValue('a\ud83d b'))).toBe('a\ufffd b');
  });

  it.each([
    ['"quoted \\"text\\""', 'quoted "text"'],
    ['%e2%82%ac', '€'],
    ['%41', 'A'],
    ['100%', '100%'],
    ['50%zz', '50%zz'],
    ['"', '"'],
  ])('%s is read as %s', (header, value) => expect(decodeHeaderValue(header)).toBe(value));

  it.each(['%C0%A0', '%ff', '%E2%82', '%ED%A0%80'])('%s is refused: it is not UTF-8', (header) => {
    expect(() => decodeHeaderValue(header)).toThrow(CDEventsError);
  });
});
