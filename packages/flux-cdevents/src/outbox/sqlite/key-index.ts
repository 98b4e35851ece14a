import type { Database } from './database.ts';
import { hashPair } from './hash.ts';

/** So many keys make a generation: about 1 MB of the file. */
const GENERATION_SIZE = 16_384;
/** Bits and probes of a filter: of a generation without the key, one in 400 is looked into for nothing. */
const FILTER_BITS = 262_144;
const PROBES = 4;

/**
 * An index of random keys, with a number for each, in the file. One tree of a million random keys has a page to write
 * for every insert, and most of a checkpoint is then spent on them. Here inserts go to one small generation until that
 * is full; a Bloom filter for each, in memory, says which generations to look into. Filters of full generations are in
 * the file, so that opening reads no more than those and the keys of the last one.
 */
export interface KeyIndex {
  /** What the key was last given. */
  find(key: string): number | undefined;
  /** Adds a key that `find` does not know, or gives it a newer number. */
  put(key: string, value: number): void;
  remove(key: string): void;
  startingWith(prefix: string): number[];
  /** Removes keys of full generations whose numbers are all at most `value`. @returns how many */
  removeUpTo(value: number, limit: number): number;
  /** Forgets full generations that are empty. */
  dropEmpty(): void;
  committed(): void;
  rolledBack(): void;
}

interface Generation {
  readonly number: number;
  readonly filter: Uint32Array<ArrayBuffer>;
  size: number;
  /** The largest number in it, once it was looked for. */
  largest?: number;
}

/**
 * @param table `(generation, key, value)`, its filters in `generation` under this name
 * @param generationSize smaller for tests
 */
export function createKeyIndex(
  db: Database,
  table: 'entry_id' | 'mark',
  generationSize: number = GENERATION_SIZE,
): KeyIndex {
  let generations: Generation[] = [];
  let restructured = false;

  const emptyFilter = () => new Uint32Array(FILTER_BITS / 32);
  const last = (): Generation => {
    const newest = generations.at(-1);
    if (newest && newest.size < generationSize) return newest;
    const next: Generation = { number: (newest?.number ?? 0) + 1, filter: emptyFilter(), size: 0 };
    if (newest) {
      const bits = new Uint8Array(newest.filter.buffer);
      db.run('INSERT OR REPLACE INTO generation (of, number, filter) VALUES (?, ?, ?)', table, newest.number, bits);
    }
    // One of that number may have been forgotten when it was empty and the process ended.
    db.run('DELETE FROM generation WHERE of = ? AND number = ?', table, next.number);
    restructured = true;
    generations.push(next);
    return next;
  };
  const fullOnes = (): Generation[] => generations.slice(0, -1);
  const drop = (generation: Generation): void => {
    db.run('DELETE FROM generation WHERE of = ? AND number = ?', table, generation.number);
    generations = generations.filter((one) => one !== generation);
    restructured = true;
  };

  /** Reads the filters of the full generations, and makes that of one that was not full. */
  const load = (): void => {
    generations = [];
    for (let number = 0; ; ) {
      const [next] = db.get<[number | null]>(`SELECT min(generation) FROM ${table} WHERE generation > ?`, number) ?? [];
      if (next === null || next === undefined) break;
      number = next;
      const [bits] =
        db.get<[Uint8Array]>('SELECT filter FROM generation WHERE of = ? AND number = ?', table, number) ?? [];
      const filter = bits ? new Uint32Array(Uint8Array.from(bits).buffer) : emptyFilter();
      const generation: Generation = { number, filter, size: bits ? generationSize : 0 };
      if (!bits) {
        for (const [key] of db.each<[string]>(`SELECT key FROM ${table} WHERE generation = ?`, number)) {
          add(filter, key);
          generation.size++;
        }
      }
      generations.push(generation);
    }
  };
  load();

  const locate = (key: string): { readonly generation: number; readonly value: number } | undefined => {
    const [start, step] = hashPair(key);
    for (let index = generations.length - 1; index >= 0; index--) {
      const generation = generations[index] as Generation;
      if (!mayHave(generation.filter, start, step)) continue;
      const row = db.get<[number]>(
        `SELECT value FROM ${table} WHERE generation = ? AND key = ?`,
        generation.number,
        key,
      );
      if (row) return { generation: generation.number, value: row[0] };
    }
    return undefined;
  };

  return {
    find: (key) => locate(key)?.value,
    put(key, value) {
      const generation = last();
      generation.size++;
      add(generation.filter, key);
      db.run(
        `INSERT OR REPLACE INTO ${table} (generation, key, value) VALUES (?, ?, ?)`,
        generation.number,
        key,
        value,
      );
    },
    remove(key) {
      const found = locate(key);
      if (found) db.run(`DELETE FROM ${table} WHERE generation = ? AND key = ?`, found.generation, key);
    },
    startingWith: (prefix) =>
      generations.flatMap(({ number }) =>
        db
          .all<[number]>(
            `SELECT value FROM ${table} WHERE generation = ? AND key >= ? AND key < ?`,
            number,
            prefix,
            `${prefix}\u{10FFFF}`,
          )
          .map(([value]) => value),
      ),
    removeUpTo(value, limit) {
      let left = limit;
      for (const generation of fullOnes()) {
        if (left === 0) break;
        generation.largest ??=
          db.get<[number | null]>(`SELECT max(value) FROM ${table} WHERE generation = ?`, generation.number)?.[0] ?? 0;
        if (generation.largest > value) continue;
        const { number } = generation;
        left -= db.run(
          `DELETE FROM ${table} WHERE generation = ? AND key IN (SELECT key FROM ${table} WHERE generation = ? LIMIT ?)`,
          number,
          number,
          left,
        );
      }
      return limit - left;
    },
    dropEmpty() {
      for (const generation of fullOnes()) {
        if (!db.get(`SELECT 1 FROM ${table} WHERE generation = ? LIMIT 1`, generation.number)) drop(generation);
      }
    },
    committed() {
      restructured = false;
    },
    rolledBack() {
      // A key too many in a filter does no harm; a filter too few would.
      if (restructured) load();
      restructured = false;
    },
  };
}

function add(filter: Uint32Array, key: string): void {
  const [start, step] = hashPair(key);
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = (start + probe * step) % FILTER_BITS;
    filter[bit >>> 5] = (filter[bit >>> 5] as number) | (1 << (bit & 31));
  }
}

function mayHave(filter: Uint32Array, start: number, step: number): boolean {
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = (start + probe * step) % FILTER_BITS;
    if ((((filter[bit >>> 5] as number) >>> (bit & 31)) & 1) === 0) return false;
  }
  return true;
}
