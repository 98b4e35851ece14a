/**
 * Two hashes of 32 bits (cyrb53): quick, and even enough to place keys; not for what an attacker may choose to collide
 * with harm.
 */
export function hashPair(text: string): readonly [number, number] {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  const mixedHigh = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  const mixedLow = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(mixedHigh ^ (mixedHigh >>> 13), 3266489909);
  return [mixedHigh >>> 0, mixedLow >>> 0];
}

/**
 * A hash of an ordering key that SQLite and JavaScript both keep as an integer (53 bits): with 1,000,000 undelivered
 * entries it spares an index of 100 MB. Two keys with one hash, one chance in 10,000 among a million keys, are kept in
 * one order: slower, never wrong.
 */
export function hashOrderingKey(key: string): number {
  const [high, low] = hashPair(key);
  return 4294967296 * (2097151 & low) + high;
}
