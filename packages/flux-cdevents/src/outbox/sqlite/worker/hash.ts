/**
 * Two 32-bit hashes (cyrb53), fast and evenly distributed. They do not withstand chosen collisions, so use them only
 * where a collision does no harm.
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
 * A hash of an ordering key with 53 bits, which SQLite and JavaScript both represent exactly. With 1,000,000
 * undelivered entries it saves an index of 100 MB. The chance that any two of a million keys have the same hash is
 * about 1 in 10,000. The entries of two such keys are delivered in one order, which is slower but still correct.
 */
export function hashOrderingKey(key: string): number {
  const [high, low] = hashPair(key);
  return 4294967296 * (2097151 & low) + high;
}
