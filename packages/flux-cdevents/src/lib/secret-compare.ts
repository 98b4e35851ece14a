import { createHash, timingSafeEqual } from 'node:crypto';

/** All digests have the same length, so that the comparison does not reveal the length of the secret. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares a presented secret with the expected one in constant time. An empty one never matches. */
export const isSameSecret = (presented: string, expected: string): boolean =>
  timingSafeEqual(digest(presented), digest(expected)) && expected !== '';
