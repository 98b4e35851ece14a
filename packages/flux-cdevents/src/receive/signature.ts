import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Checks the `X-Signature: sha256=<hex>` of a Provider of type `generic-hmac` over the received bytes. Takes the same time
 * for every signature, a malformed one included.
 */
export function isSignedWith(key: Uint8Array, signature: string | undefined, body: Uint8Array): boolean {
  const expected = createHmac('sha256', key).update(body).digest();
  const [, hex = ''] = /^sha256=([0-9a-f]{64})$/i.exec(signature ?? '') ?? [];
  const presented = Buffer.alloc(expected.length);
  presented.write(hex, 'hex');
  return timingSafeEqual(presented, expected) && hex !== '';
}
