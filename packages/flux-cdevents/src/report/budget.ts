import { LRUCache } from 'lru-cache';
import { createTokenBucket, type TokenBucket, type TokenBucketOptions } from '../lib/token-bucket.ts';

/** A token bucket for each key. */
export interface Budget {
  /** @returns false when the bucket of the key is empty */
  spend(key: string): boolean;
}

const MAX_KEYS = 4096;

/** @param now in ms */
export function createBudget(options: TokenBucketOptions, now: () => number): Budget {
  const buckets = new LRUCache<string, TokenBucket>({ max: MAX_KEYS });
  return {
    spend(key) {
      const bucket = buckets.get(key) ?? createTokenBucket(options, now);
      buckets.set(key, bucket);
      return bucket.tryTake();
    },
  };
}
