import type { Database } from './database.ts';
import { hashPair } from './hash.ts';

/** The number of keys in a generation: about 1 MB of the file. */
const GENERATION_SIZE = 16_384;
/** Bits and probes of a Bloom filter. They give a false positive rate of about 1 in 400. */
const FILTER_BITS = 262_144;
const PROBES = 4;

/**
 * An index in the file that maps random keys to numbers. In a single B-tree, each random key changes another page, and
 * those pages would be most of what a commit writes. This index keeps the newest keys in memory and appends them to a
 * log in the file. It sorts a full log into a new generation of the tree in one go. A Bloom filter in memory tells for
 * each generation whether it may have a key. The filters are also in the file, so opening reads only them and the log.
 */
export interface KeyIndex {
  /** The number that the key was last given. */
  find(key: string): number | undefined;
  /** Adds a key, or gives it a new number. */
  put(key: string, value: number): void;
  remove(key: string): void;
  startingWith(prefix: string): number[];
  /** Removes keys from generations whose numbers are all at most `value`. Keys in the log stay. @returns how many */
  removeUpTo(value: number, limit: number): number;
  /** Removes empty generations. */
  dropEmpty(): void;
  committed(): void;
  rolledBack(): void;
}

interface Generation {
  readonly number: number;
  readonly filter: Uint32Array<ArrayBuffer>;
  /** The largest number in the generation. Absent until it is needed. */
  largest?: number;
}

/** A key in the log. */
interface Logged {
  readonly place: number;
  readonly value: number;
}

/**
 * @param table a table `(generation, key, value)`. Its log is `<table>_log`, and its filters are in `generation`.
 * @param generationSize tests use a smaller one
 */
export function createKeyIndex(
  db: Database,
  table: 'entry_id' | 'mark',
  generationSize: number = GENERATION_SIZE,
): KeyIndex {
  let generations: Generation[] = [];
  let recent = new Map<string, Logged>();
  let nextPlace = 1;
  let changed = false;

  const drop = (generation: Generation): void => {
    db.run('DELETE FROM generation WHERE of = ? AND number = ?', table, generation.number);
    generations = generations.filter((one) => one !== generation);
  };

  /** Moves the log into a new generation. Sorted keys append to the tree. */
  const settle = (): void => {
    const number = (generations.at(-1)?.number ?? 0) + 1;
    const filter = new Uint32Array(FILTER_BITS / 32);
    for (const key of [...recent.keys()].sort()) {
      add(filter, key);
      const { value } = recent.get(key) as Logged;
      db.run(`INSERT INTO ${table} (generation, key, value) VALUES (?, ?, ?)`, number, key, value);
    }
    const bits = new Uint8Array(filter.buffer);
    db.run('INSERT INTO generation (of, number, filter) VALUES (?, ?, ?)', table, number, bits);
    db.run(`DELETE FROM ${table}_log`);
    generations.push({ number, filter });
    recent = new Map();
  };

  const load = (): void => {
    generations = db
      .all<[number, Uint8Array]>('SELECT number, filter FROM generation WHERE of = ? ORDER BY number', table)
      .map(([number, bits]) => ({ number, filter: new Uint32Array(Uint8Array.from(bits).buffer) }));
    recent = new Map(
      db
        .all<[number, string, number]>(`SELECT place, key, value FROM ${table}_log ORDER BY place`)
        .map(([place, key, value]) => [key, { place, value }]),
    );
    nextPlace = Math.max(0, ...Array.from(recent.values(), ({ place }) => place)) + 1;
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
    find: (key) => recent.get(key)?.value ?? locate(key)?.value,
    put(key, value) {
      changed = true;
      const known = recent.get(key);
      if (known) {
        db.run(`UPDATE ${table}_log SET value = ? WHERE place = ?`, value, known.place);
        recent.set(key, { ...known, value });
        return;
      }
      if (recent.size >= generationSize) settle();
      db.run(`INSERT INTO ${table}_log (place, key, value) VALUES (?, ?, ?)`, nextPlace, key, value);
      recent.set(key, { place: nextPlace, value });
      nextPlace++;
    },
    remove(key) {
      changed = true;
      const known = recent.get(key);
      if (known) {
        db.run(`DELETE FROM ${table}_log WHERE place = ?`, known.place);
        recent.delete(key);
        return;
      }
      const found = locate(key);
      if (found) db.run(`DELETE FROM ${table} WHERE generation = ? AND key = ?`, found.generation, key);
    },
    startingWith(prefix) {
      const inLog = [...recent].filter(([key]) => key.startsWith(prefix)).map(([, { value }]) => value);
      const inTree = generations.flatMap(({ number }) =>
        db
          .all<[number]>(
            `SELECT value FROM ${table} WHERE generation = ? AND key >= ? AND key < ?`,
            number,
            prefix,
            `${prefix}\u{10FFFF}`,
          )
          .map(([value]) => value),
      );
      return [...inTree, ...inLog];
    },
    removeUpTo(value, limit) {
      let left = limit;
      for (const generation of generations) {
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
      changed = true;
      for (const generation of generations) {
        if (!db.get(`SELECT 1 FROM ${table} WHERE generation = ? LIMIT 1`, generation.number)) drop(generation);
      }
    },
    committed() {
      changed = false;
    },
    rolledBack() {
      if (changed) load();
      changed = false;
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
