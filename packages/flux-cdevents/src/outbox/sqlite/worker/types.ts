import type { Database } from './database.ts';

/** The number of no type at all. */
export const NO_TYPE_ID = 0;

/** Event types under small numbers: there are few, and an entry's row stays small. */
export interface Types {
  /** Only inside a transaction. */
  intern(name: string): number;
  name(id: number): string;
  /** Re-reads after a rollback. */
  rolledBack(): void;
}

export function createTypes(db: Database): Types {
  const ids = new Map<string, number>();
  const names = new Map<number, string>();
  let lastId = NO_TYPE_ID;
  const load = (): void => {
    ids.clear();
    names.clear();
    lastId = NO_TYPE_ID;
    for (const [id, name] of db.each<[number, string]>('SELECT id, name FROM type')) {
      ids.set(name, id);
      names.set(id, name);
      lastId = Math.max(lastId, id);
    }
  };
  load();
  return {
    intern(name) {
      const known = ids.get(name);
      if (known !== undefined) return known;
      const id = ++lastId;
      db.run('INSERT INTO type (id, name) VALUES (?, ?)', id, name);
      ids.set(name, id);
      names.set(id, name);
      return id;
    },
    name: (id) => names.get(id) ?? '',
    rolledBack: load,
  };
}
