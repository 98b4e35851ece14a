import { describe, expect, it } from 'vitest';
import { mask } from './mask.ts';

const SECRET = 'T0K/en &"x"<é>=\'z\'';
const url = (text: string) => encodeURIComponent(text);
const html = (text: string) =>
  text.replace(/[&<>"']/g, (one) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": '#39' }[one]};`);
const allUnits = (text: string) =>
  [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a secret is hidden', () => {
  it.each<[string, string]>([
    ['in clear', SECRET],
    ['in another case', SECRET.replace(/[a-z]/gi, (one) => (one < 'a' ? one.toLowerCase() : one.toUpperCase()))],
    ['percent-encoded', url(SECRET)],
    ['percent-encoded in lower case', url(SECRET).toLowerCase()],
    ['percent-encoded in full', Buffer.from(SECRET).toString('hex').replace(/../g, '%$&')],
    ['percent-encoded in part', SECRET.replace('/', '%2f')],
    ['percent-encoded twice', url(url(SECRET))],
    ['as a form has it', new URLSearchParams([['', SECRET]]).toString().slice(1)],
    ['escaped for JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['escaped for JSON twice', JSON.stringify(JSON.stringify(SECRET)).slice(3, -3)],
    ['with slashes escaped', JSON.stringify(SECRET).slice(1, -1).replace('/', '\\/')],
    ['as UTF-16 escapes', allUnits(SECRET)],
    ['escaped for HTML', html(SECRET)],
    ['escaped for HTML in numbers', [...SECRET].map((one) => `&#${one.charCodeAt(0)};`).join('')],
    ['escaped for HTML in hexadecimal', [...SECRET].map((one) => `&#x${one.charCodeAt(0).toString(16)};`).join('')],
    ['percent-encoded in HTML in JSON', JSON.stringify(html(url(SECRET))).slice(1, -1)],
    ['over several lines', `T0K/\r\n  en &"x"\n<é>='z'`],
    ['with invisible characters in it', SECRET.split('').join('\u200b')],
  ])('%s', (_, written) => {
    expect(mask(`{${written}}`, [SECRET])).toBe('{*****}');
    expect(mask(written, [SECRET])).toBe('*****');
    expect(mask(`(${written}) (${written})`, ['other', SECRET])).toBe('(*****) (*****)');
  });

  it.each<[string, string]>([
    ['Base64', base64(SECRET)],
    ['Base64 for URLs', Buffer.from(SECRET).toString('base64url')],
    ['Base64 with a name before it', base64(`user:${SECRET}`)],
    ['Base64 with something around it', base64(`{"a":"${SECRET}"}`)],
    ['Base64 for URLs with something around it', Buffer.from(`ü${SECRET}ü`).toString('base64url')],
    ['Base64 in a query', url(base64(SECRET))],
    ['Base64 over several lines', base64(SECRET).replace(/.{9}/g, '$&\r\n')],
  ])('in %s', (_, written) =>
    expect(mask(`<${written}>`, [SECRET]).replace(/\*+[\w=\s]{0,12}/, '*****')).toBe('<*****>'),
  );

  it.each([0, 1, 2, 3, 4, 5])('in Base64 with %d bytes before it, without a rest of it', (length) => {
    const written = base64(`${'x'.repeat(length)}s3cr3t-token yy`);
    expect(mask(`Basic ${written}.`, ['s3cr3t-token'])).toBe('Basic *****.');
  });

  it('when it is written with escapes itself, in clear too', () => {
    expect(mask('no such path /a/b c', ['/a%2Fb%20c'])).toBe('no such path *****');
    expect(mask('no such path /a%2fb%20c', ['/a%2Fb%20c'])).toBe('no such path *****');
  });

  it('in pieces of 8 characters and more', () => {
    expect(mask('token 0123456789ab… is wrong', ['0123456789abcdef'])).toBe('token *****… is wrong');
    expect(mask('ends with 89abcdef', ['0123456789abcdef'])).toBe('ends with *****');
    expect(mask('%30123456789ab', ['0123456789abcdef'])).toBe('*****');
  });

  it.each(['abc', 'abcd', 'abcdef', 'abcdefg%3', 'abcdefghijklm', 'abcdefg\\u003'])(
    'where its start %s ends a text that goes on',
    (start) =>
      expect(mask(`it was ${start}`, ['abcdefg4hijklmno', 'abcdefghijklmnop'], { complete: false })).toBe(
        'it was *****',
      ),
  );

  it('that is one of several, or contains another', () => {
    expect(mask('one two onetwo', ['onetwo', 'three'])).toBe('*****');
    expect(mask('abcd-efgh abcd', ['abcd', 'abcd-efgh'])).toBe('*****');
  });
});

describe('what is no secret is left alone', () => {
  it.each<[string, string[]]>([
    ['nothing', []],
    ['an empty secret', ['']],
    ['white space', [' \n']],
    ['another secret', ['s3cr3t-token', 'x%y&amp;', Buffer.from([0xff, 0xfe]).toString('latin1')]],
  ])('with %s', (_, secrets) => {
    for (const text of ['', ' ', 'answered 503: %zz &nbsp; \\q 100%', 'é😀\ud800', '**', '\\']) {
      expect(mask(text, secrets)).toBe(text);
    }
  });

  it('keeps what stands around a secret, character by character', () => {
    expect(mask('  é😀 %41 tok-1  &amp; %42 ', ['tok-1'])).toBe('  é😀 %41 *****  &amp; %42 ');
  });
});

describe('a secret of one to three characters', () => {
  it.each([
    ['abc is wrong, abcd and xabc are not, abc', '***** is wrong, abcd and xabc are not, *****'],
    ['"abc" %22abc%22 a%62c', '"*****" %22*****%22 *****'],
    ['éabc abcé', 'éabc abcé'],
  ])('is hidden as a word of its own: %s', (text, expected) => expect(mask(text, ['abc'])).toBe(expected));

  it('does not make a text unreadable', () => {
    expect(mask('the token is not that of a known user, attempt 11', ['t', '1'])).toBe(
      'the token is not that of a known user, attempt 11',
    );
  });
});

it('takes no long time, with thousands of secrets neither', () => {
  const secrets = Array.from({ length: 20_000 }, (_, i) => `header value ${i} %41`);
  const text = `${'%41&amp;'.repeat(120)} header value 7 %41`;
  expect(mask(text, secrets)).toContain('*****'); // prepares them
  const startedAt = performance.now();
  mask(text, secrets);
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
