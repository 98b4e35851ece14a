import { createHash, timingSafeEqual } from 'node:crypto';

/** Digests have one length, so that the comparison reveals nothing about that of the secret. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares a presented secret with the expected one in constant time. An empty one never matches. */
export const isSameSecret = (presented: string, expected: string): boolean =>
  timingSafeEqual(digest(presented), digest(expected)) && expected !== '';
