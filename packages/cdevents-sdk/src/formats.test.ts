import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDateTime, isUri, isUriReference } from './formats.ts';

const ajv = new Ajv2020.default();
addFormats.default(ajv);
const judge = (format: string) => ajv.compile<string>({ type: 'string', format });

const pieces = [
  ...['http:', 'a:', '1a:', '//', '/', '', '@', 'user@', 'us%41er:pw@', ':8080', ':', '[::1]', '[', ']', '[v1.a:b]'],
  ...[
    '[1:2:3:4:5:6:7:8]',
    '[::1.2.3.4]',
    '[1::01.002.3.255]',
    '[::256.1.1.1]',
    '[1:2::3:4:5:6:7:8]',
    '[1:2:3:4:5:6::8]',
  ],
  ...['[::12345]', '[:::]', '[1::2::3]', '[::ffff:1:2:3:4:5:6]', '[V1f.x]', '[vx.x]', '?', '#', '%41', '%4', '%', '"'],
  ...['path', 'a b', '\\', 'ü', '<', "!$&'()*+,;=", '~._-', '{', '\n', 'ſ', 'K'],
];

describe('URIs', () => {
  const aUriLikeText = fc.array(fc.constantFrom(...pieces), { maxLength: 7 }).map((parts) => parts.join(''));

  it.each([
    ['uri', isUri],
    ['uri-reference', isUriReference],
  ] as const)('%s is what JSON Schema validators take it for', (format, isFormat) => {
    const accepts = judge(format);
    const agrees = (text: string): void => {
      expect([text, isFormat(text)]).toEqual([text, accepts(text)]);
    };
    fc.assert(fc.property(aUriLikeText, agrees), { numRuns: 20_000 });
    fc.assert(fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), agrees));
    fc.assert(
      fc.property(fc.ipV6(), (address) => agrees(`coap://[${address}]:5683/x`)),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), agrees), { numRuns: 5000 });
  });

  it.each([
    ['pkg:oci/podinfo@sha256%3Aab', true, true],
    ['urn:uuid:0e2c', true, true],
    ['https://[2001:db8::7]:443/a?b#c', true, true],
    ['/clusters/production', false, true],
    ['http:', false, true],
    ['https://a/%zz', false, false],
    ['https://a b', false, false],
  ])('%s: URI %s, URI-reference %s', (text, uri, reference) => {
    expect([isUri(text), isUriReference(text)]).toEqual([uri, reference]);
  });

  it('are read in time that grows with their length alone', () => {
    const long = 200_000;
    const hostile = [
      `http://${'a'.repeat(long)}[`,
      `//${'a@'.repeat(long)}`,
      `http://[${':'.repeat(long)}]`,
      `${'%41'.repeat(long)}%`,
      `a:${'/'.repeat(long)}\n`,
      `//${'1.'.repeat(long)}`,
    ];
    const started = performance.now();
    for (const text of hostile) for (const isFormat of [isUri, isUriReference, isDateTime]) isFormat(text);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('date-times', () => {
  const accepts = judge('date-time');
  const agrees = (text: string): void => {
    expect([text, isDateTime(text)]).toEqual([text, accepts(text)]);
  };
  const two = fc.integer({ min: 0, max: 61 }).map((value) => String(value).padStart(2, '0'));

  it('are what JSON Schema validators take them for', () => {
    const parts = fc.tuple(
      fc.constantFrom('2024', '2023', '1900', '2000', '999'),
      two,
      two,
      fc.constantFrom('T', 't', ' ', '\n', '', 'T '),
      fc.constantFrom('00', '23', '24', '25', '12'),
      fc.constantFrom('00', '59', '60', '30'),
      fc.constantFrom('00', '59', '60', '60.5', '61', '1', '00.', '00.123456789'),
      fc.constantFrom('Z', 'z', '', '+00:00', '-01', '+0130', '+23:59', '-24:00', '+01:30', '-00:59', 'Z '),
    );
    fc.assert(
      fc.property(parts, ([year, month, day, t, hour, minute, second, zone]) =>
        agrees(`${year}-${month}-${day}${t}${hour}:${minute}:${second}${zone}`),
      ),
      { numRuns: 50_000 },
    );
    fc.assert(fc.property(fc.date({ noInvalidDate: true }), (date) => agrees(date.toISOString())));
    fc.assert(fc.property(fc.string(), agrees));
  });

  it.each(['2024-02-29T12:00:00Z', '2023-03-20T14:27:05.315384Z', '2024-05-06T07:08:09+02:00', '2016-12-31T23:59:60Z'])(
    '%s is one',
    (text) => expect(isDateTime(text)).toBe(true),
  );

  it.each(['2023-02-29T12:00:00Z', '2024-05-06', '2024-05-06T07:08:09', '2024-13-01T00:00:00Z', 'now'])(
    '%s is none',
    (text) => expect(isDateTime(text)).toBe(false),
  );
});
