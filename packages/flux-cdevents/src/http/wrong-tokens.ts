import { LRUCache } from 'lru-cache';

/** How many wrong tokens a peer may send within the period. */
const MAX_WRONG = 10;
const PERIOD_MS = 60_000;
/** Peers that are remembered. Of more, those that were quiet the longest are forgotten. */
const MAX_PEERS = 1_000;

/** Counts the wrong tokens of each peer, so that nobody can try many. */
export interface WrongTokens {
  /** How long the peer must wait, in ms; 0 when it may try. */
  waitMs(peer: string): number;
  add(peer: string): void;
}

/** @param now monotonic, in ms */
export function createWrongTokens(now: () => number): WrongTokens {
  const peers = new LRUCache<string, { count: number; readonly until: number }>({ max: MAX_PEERS });
  const currentOf = (peer: string) => {
    const found = peers.get(peer);
    return found && now() < found.until ? found : undefined;
  };
  return {
    waitMs(peer) {
      const found = currentOf(peer);
      return found && found.count >= MAX_WRONG ? found.until - now() : 0;
    },
    add(peer) {
      const found = currentOf(peer);
      if (found) found.count++;
      else peers.set(peer, { count: 1, until: now() + PERIOD_MS });
    },
  };
}
