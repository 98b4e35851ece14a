import type { Operations } from '../protocol.ts';
import { claim } from './claim.ts';
import { commit } from './commit.ts';
import { discard } from './discard.ts';
import { findEntry } from './entries.ts';
import { expand } from './expand.ts';
import { abandon, expire } from './give-up.ts';
import { list } from './list.ts';
import { recall } from './memory.ts';
import { purge } from './purge.ts';
import { replay } from './replay.ts';
import { settle } from './settle.ts';
import { stats } from './stats.ts';
import { resume, stop, stops } from './stops.ts';
import type { Store } from './store.ts';
import { wake } from './wake.ts';

/** The calls that the main thread makes, on a store. */
export const createOperations = (store: Store): Operations => ({
  recall: (object) => recall(store, object),
  claim: (...args) => claim(store, args),
  load: (seqs) => seqs.map((seq) => findEntry(store, seq) ?? null),
  list: (...args) => list(store, args),
  stops: () => stops(store),
  stats: () => stats(store),

  commit: (...args) => commit(store, args),
  settle: (settlements) => settlements.map((settlement) => settle(store, settlement)),
  expand: (...args) => expand(store, args),
  replay: (...args) => replay(store, args),
  discard: (...args) => discard(store, args),
  abandon: (...args) => abandon(store, args),
  wake: (...args) => wake(store, args),
  expire: (at) => expire(store, at),
  purge: (retention, at) => purge(store, retention, at),
  stop: (...args) => stop(store, args),
  resume: (provider) => resume(store, provider),
});
