import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from './database.ts';
import { createKeyIndex } from './key-index.ts';
import { migrate } from './migrations.ts';

describe('key index', () => {
  let folder: string;
  let db: Database;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'key-index-'));
    const path = join(folder, 'outbox.db');
    db = openDatabase(path);
    migrate(db, path);
  });
  afterEach(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  const filters = () => db.all<[number]>("SELECT number FROM generation WHERE of = 'mark'").flat();

  it('finds what was put, over many generations', () => {
    const index = createKeyIndex(db, 'mark', 10);
    for (let i = 0; i < 95; i++) index.put(`key ${i}`, i);
    expect(Array.from({ length: 100 }, (_, i) => index.find(`key ${i}`))).toEqual(
      Array.from({ length: 100 }, (_, i) => (i < 95 ? i : undefined)),
    );
    expect(filters()).toHaveLength(9);
  });

  it('removes generations that are past', () => {
    const index = createKeyIndex(db, 'mark', 10);
    for (let i = 0; i < 35; i++) index.put(`key ${i}`, i);
    expect(index.removeUpTo(25, 5)).toBe(5);
    expect(index.removeUpTo(25, 100)).toBe(15);
    expect(index.removeUpTo(25, 100)).toBe(0);
    index.dropEmpty();
    expect(filters()).toEqual([3]);
    expect(index.find('key 19')).toBeUndefined();
    expect(index.find('key 20')).toBe(20);
  });

  it('does what a map does, over openings and rollbacks', () => {
    const key = fc.nat(30).map((n) => `${'abc'[n % 3]}${n}`);
    const action = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), key, value: fc.nat(1e6) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), key, value: fc.constant(0) }) },
      fc.record({ do: fc.constantFrom('open', 'drop', 'commit', 'roll back'), key, value: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        db.exec('DELETE FROM mark; DELETE FROM mark_log; DELETE FROM generation; PRAGMA synchronous = OFF; BEGIN');
        let index = createKeyIndex(db, 'mark', 4);
        let committed = new Map<string, number>();
        let model = new Map<string, number>();
        for (const step of actions) {
          if (step.do === 'put') {
            index.remove(step.key);
            index.put(step.key, step.value);
            model.set(step.key, step.value);
          } else if (step.do === 'remove') {
            index.remove(step.key);
            model.delete(step.key);
          } else if (step.do === 'drop') index.dropEmpty();
          else if (step.do === 'roll back') {
            db.exec('ROLLBACK');
            index.rolledBack();
            model = new Map(committed);
            db.exec('BEGIN');
          } else {
            db.exec('COMMIT');
            index.committed();
            committed = new Map(model);
            if (step.do === 'open') index = createKeyIndex(db, 'mark', 4);
            db.exec('BEGIN');
          }
          expect(index.find(step.key)).toBe(model.get(step.key));
        }
        for (const [known, value] of model) expect(index.find(known)).toBe(value);
        for (const prefix of ['a', 'b1', '']) {
          const values = [...model].filter(([known]) => known.startsWith(prefix)).map(([, value]) => value);
          expect(index.startingWith(prefix).sort()).toEqual(values.sort());
        }
        db.exec('COMMIT');
      }),
      { numRuns: 300 },
    );
  });
});
