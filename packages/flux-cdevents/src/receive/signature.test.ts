import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSignedWith } from './signature.ts';

const key = Buffer.from('s3cr3t-hmac-key');
const sign = (body: Uint8Array, by: Uint8Array = key) =>
  `sha256=${createHmac('sha256', by).update(body).digest('hex')}`;
const body = Buffer.from('{"reason":"UpgradeSucceeded"}');

it.each<[string, string | undefined, boolean]>([
  ['the signature', sign(body), true],
  ['in capitals', sign(body).replace(/[a-f]/g, (letter) => letter.toUpperCase()), true],
  ['none', undefined, false],
  ['an empty one', '', false],
  ['without its algorithm', sign(body).slice('sha256='.length), false],
  ['of another algorithm', sign(body).replace('sha256', 'sha512'), false],
  ['too short', sign(body).slice(0, -2), false],
  ['too long', `${sign(body)}00`, false],
  ['of no hexadecimal digits', `sha256=${'z'.repeat(64)}`, false],
  ['of zeros', `sha256=${'0'.repeat(64)}`, false],
  ['of another key', sign(body, Buffer.from('s3cr3t-hmac-key\n')), false],
  ['twice', `${sign(body)}, ${sign(body)}`, false],
])('%s: %#', (_, signature, expected) => expect(isSignedWith(key, signature, body)).toBe(expected));

const anything = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 80 }),
  body: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  at: fc.nat(),
  flip: fc.integer({ min: 1, max: 255 }),
});
const changed = (bytes: Uint8Array, at: number, flip: number) =>
  bytes.map((byte, index) => (index === at % bytes.length ? byte ^ flip : byte));

it('matches any body, but none with a changed byte', () => {
  fc.assert(
    fc.property(anything, ({ key, body, at, flip }) => {
      const signature = sign(body, key);
      expect(isSignedWith(key, signature, body)).toBe(true);
      expect(isSignedWith(key, signature, changed(body, at, flip))).toBe(false);
      expect(isSignedWith(changed(key, at, flip), signature, body)).toBe(false);
      expect(isSignedWith(key, signature, Buffer.concat([body, Buffer.from([at % 256])]))).toBe(false);
    }),
  );
});

it('fails with any other digit', () => {
  const signature = sign(body);
  for (let at = 'sha256='.length; at < signature.length; at++) {
    const digit = signature[at] === '0' ? '1' : '0';
    expect(isSignedWith(key, signature.slice(0, at) + digit + signature.slice(at + 1), body)).toBe(false);
  }
});
