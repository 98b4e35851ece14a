import type { Database } from './database.ts';

/** The type id of an entry without an event type. */
export const NO_TYPE_ID = 0;

/** Maps event types to small numbers, which keeps the rows of entries small. */
export interface Types {
  /** Call it only inside a transaction. */
  intern(name: string): number;
  name(id: number): string;
  /** Reads the types again after a rollback. */
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
