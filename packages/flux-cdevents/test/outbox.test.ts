import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, open as openFile, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeOutbox } from '../src/outbox/contract/describe-outbox.ts';
import { aClaim, aCommit, anEntry, aSettlement, hub, idsOf } from '../src/outbox/contract/fixtures.ts';
import type { ClaimedEntry, EntryKind, EntryState, NewEntry } from '../src/outbox/entry.ts';
import type { Outbox } from '../src/outbox/outbox.ts';
import { openSqliteOutbox } from '../src/outbox/sqlite/sqlite-outbox.ts';
import { openDatabase } from '../src/outbox/sqlite/worker/database.ts';
import { MIGRATIONS, migrate } from '../src/outbox/sqlite/worker/migrations.ts';
import type { Settlement } from '../src/outbox/work-queue.ts';
import { createModel, facts, factsOf } from './helpers/outbox-model.ts';

// The worker's sources are then stripped of their types once, not at each opening.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'flux-cdevents-compile-cache');

const temporaryFolder = () => mkdtemp(join(tmpdir(), 'outbox-'));

/** When the tests begin, epoch ms. */
const T0 = Date.UTC(2026, 0, 1);

describeOutbox('SQLite', async () => {
  const folder = await temporaryFolder();
  const store = shared(() => openSqliteOutbox({ path: join(folder, 'outbox.db'), now: () => now }));
  let now = T0;
  return {
    connect: store.connect,
    advance(ms) {
      now += ms;
    },
    get now() {
      return now;
    },
    remove: () => rm(folder, { recursive: true }),
  };
});

/** Clients of a store that opens once at a time: they share one outbox, and the last one to close closes it. */
function shared(open: () => Promise<Outbox>) {
  let clients = 0;
  let opened: Promise<Outbox> | undefined;
  return {
    async connect(): Promise<Outbox> {
      clients++;
      opened ??= open();
      const outbox = await opened;
      let closed: Promise<void> | undefined;
      const close = async (): Promise<void> => {
        if (--clients > 0) return;
        opened = undefined;
        await outbox.close();
      };
      return { ...outbox, close: () => (closed ??= close()) };
    },
  };
}

describe('SQLite outbox', () => {
  let folder: string;
  let path: string;
  let now: number;
  let opened: Outbox[];
  let children: ChildProcess[];
  const open = async (options: { path?: string; maxBytes?: number } = {}) => {
    const outbox = await openSqliteOutbox({ path, now: () => now, ...options });
    opened.push(outbox);
    return outbox;
  };
  beforeEach(async () => {
    folder = await temporaryFolder();
    now = T0;
    path = join(folder, 'outbox.db');
    opened = [];
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const outbox of opened) await outbox.close();
    await rm(folder, { recursive: true });
  });

  /** Another process that commits to the same file; `lines` is what it says. */
  const aChild = (from = 0) => {
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'helpers', 'commit-until-killed.ts'),
      path,
      String(from),
    ]);
    children.push(child);
    return { child, lines: createInterface(child.stdout) };
  };
  const firstLine = async (lines: AsyncIterable<string>): Promise<string | undefined> => {
    for await (const line of lines) return line;
    return undefined;
  };

  describe('the file', () => {
    it('is created with its folder, for its owner only', async () => {
      path = join(folder, 'a', 'b', 'outbox.db');
      await open();
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await stat(join(folder, 'a', 'b'))).mode & 0o777).toBe(0o700);
    });

    it('is one file after a close', async () => {
      const outbox = await open();
      await outbox.commit(aCommit([anEntry('a.1')]));
      await outbox.close();
      expect((await stat(`${path}-wal`).catch(() => ({ size: 0 }))).size).toBe(0);
    });

    it('belongs to one process: a second one is refused with the reason', async () => {
      const outbox = await open();
      const line = await firstLine(aChild().lines);
      expect(line).toMatch(/^FCE_STORE_LOCKED: store .*outbox\.db: another process has it open\. Stop/);
      expect(await outbox.commit(aCommit([anEntry('a.1')]))).toEqual({ status: 'stored' });
    });

    it('is refused to the same process as well, and stays locked', async () => {
      await open();
      await expect(open()).rejects.toMatchObject({ code: 'FCE_STORE_LOCKED' });
      expect(await firstLine(aChild().lines)).toContain('FCE_STORE_LOCKED');
    });

    it('is free again after a close', async () => {
      await (await open()).close();
      expect(await firstLine(aChild().lines)).toBe('open');
    });

    it.each([0, 10, 1_000, 100_000])('is free again when its opening is aborted after %d turns', async (turns) => {
      const abort = new AbortController();
      const opening = openSqliteOutbox({ path, signal: abort.signal }).then(
        (outbox) => outbox.close().then(() => 'open'),
        (error: { code?: string }) => error.code,
      );
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      abort.abort();
      expect(['open', 'FCE_STOPPED']).toContain(await opening);
      expect(await firstLine(aChild().lines)).toBe('open');
    });

    it('is not opened when it is aborted before', async () => {
      await expect(openSqliteOutbox({ path, signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'FCE_STOPPED',
      });
    });

    it('of a newer version is refused', async () => {
      await (await open()).close();
      const db = new DatabaseSync(path);
      db.exec('PRAGMA user_version = 99');
      db.close();
      await expect(open()).rejects.toMatchObject({
        code: 'FCE_STORE_TOO_NEW',
        message: expect.stringMatching(/version 99.*newer flux-cdevents/),
      });
    });

    it.each<[string, () => Promise<void>]>([
      ['is no database', () => writeFile(path, 'not a database, but long enough to look at '.repeat(200))],
      [
        'is some other program’s',
        async () => {
          const db = new DatabaseSync(path);
          db.exec('CREATE TABLE bookmarks (url TEXT)');
          db.close();
        },
      ],
      [
        'is cut off',
        async () => {
          const outbox = await open();
          await outbox.commit(aCommit(Array.from({ length: 200 }, (_, i) => anEntry(`a.${i}`))));
          await outbox.close();
          await truncate(path, 6_000);
        },
      ],
    ])('that %s is refused with advice', async (_, damage) => {
      await damage();
      await expect(open()).rejects.toMatchObject({
        code: 'FCE_STORE_CORRUPT',
        message: expect.stringContaining('Put a backup in its place, or move it away'),
      });
    });

    it('that cannot be made is reported as unavailable', async () => {
      await writeFile(join(folder, 'file'), '');
      await expect(open({ path: join(folder, 'file', 'outbox.db') })).rejects.toMatchObject({
        code: 'FCE_STORE_UNAVAILABLE',
      });
    });
  });

  describe('migrations', () => {
    const schemaOf = (version: number) => MIGRATIONS.slice(0, version);
    const userVersion = (db: ReturnType<typeof openDatabase>) => db.get<[number]>('PRAGMA user_version')?.[0];

    it('bring a file to the newest version, and keep what is in it', () => {
      const first = openDatabase(path);
      migrate(first, path, schemaOf(1));
      first.run("INSERT INTO stop VALUES ('a/b', 'f', 'r', 1)");
      first.close();
      const db = openDatabase(path);
      const next = [...schemaOf(1), 'ALTER TABLE stop ADD COLUMN note TEXT', 'CREATE TABLE extra (a)'];
      migrate(db, path, next);
      expect(userVersion(db)).toBe(3);
      expect(db.all('SELECT provider, note FROM stop')).toEqual([['a/b', null]]);
      migrate(db, path, next);
      db.close();
    });

    it('carry a file of version 1 over: what were types are kinds and states', async () => {
      const first = openDatabase(path);
      migrate(first, path, schemaOf(1));
      first.exec(`
        INSERT INTO provider (id, name, undelivered, delivered, dead_letters)
          VALUES (1, 'flux-system/hub', 4, 1, 1), (2, '_/forward-to', 2, 0, 0);
        INSERT INTO type (id, name) VALUES (1, 'unmapped'), (2, 'flux'), (3, 'dev.cdevents.service.upgraded.0.2.0'), (4, 'forward');
      `);
      const forwarded = '{"involvedObject":{"name":"a"},"message":"ü"}';
      const texts = {
        cdevent: '{"event":{"message":"old"},"metadata":{}}',
        forward: `{"event":${forwarded},"metadata":{}}`,
      };
      const rows: [
        id: string,
        provider: number,
        type: number,
        state: number,
        key: number | null,
        message: string | null,
      ][] = [
        ['cdevent.1', 1, 3, 0, 7, '"cdevent"'],
        ['unmapped.1', 1, 1, 1, 7, null],
        ['flux.1', 1, 2, 0, null, '"flux"'],
        ['delivered.1', 1, 1, 2, null, null],
        ['lost.1', 1, 1, 3, null, null],
        ['invalid.1', 1, 3, 0, null, null],
        ['forward.1', 2, 4, 0, null, forwarded],
        ['remapped.1', 2, 1, 0, null, null],
      ];
      for (const [index, [id, provider, type, state, key, message]] of rows.entries()) {
        const seq = (index + 1) * 1024;
        first.run(
          `INSERT INTO entry (seq, provider, type, state, key, attempts, accepted_at, due_at, expires_at, settled_at, last_error)
           VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, NULL)`,
          ...[seq, provider, type, state, key, T0, T0, T0 + 60_000, state > 1 ? T0 : null],
        );
        first.run(
          `INSERT INTO payload (seq, id, alert, ordering_key, object, reason, partition_key, source, message)
           VALUES (?, ?, 'apps/all', ?, 'HelmRelease/apps/podinfo', 'UpgradeSucceeded', NULL, ?, ?)`,
          ...[seq, id, key === null ? null : 'k', provider === 1 ? texts.cdevent : texts.forward, message],
        );
        first.run('INSERT INTO entry_id_log (place, key, value) VALUES (?, ?, ?)', index + 1, id, seq);
      }
      first.close();

      const outbox = await open();
      const { entries } = await outbox.list({}, { limit: 100 });
      expect(entries.toReversed().map(({ id, kind, type, state }) => [id, kind, type, state])).toEqual([
        ['cdevent.1', 'cdevent', 'dev.cdevents.service.upgraded.0.2.0', 'pending'],
        ['unmapped.1', 'cdevent', undefined, 'waiting'],
        ['flux.1', 'flux', undefined, 'pending'],
        ['delivered.1', 'cdevent', undefined, 'delivered'],
        ['lost.1', 'cdevent', undefined, 'dead-letter'],
        ['invalid.1', 'cdevent', 'dev.cdevents.service.upgraded.0.2.0', 'waiting'],
        ['forward.1', 'forward', undefined, 'pending'],
        ['remapped.1', 'forward', undefined, 'pending'],
      ]);
      expect(await outbox.stats()).toMatchObject([
        { provider: hub, counts: { waiting: 2, pending: 2, delivering: 0, delivered: 1, 'dead-letter': 1 } },
        { counts: { waiting: 0, pending: 2, delivering: 0, delivered: 0, 'dead-letter': 0 } },
      ]);
      expect(await outbox.show('forward.1')).toMatchObject({ message: forwarded });
      expect(await outbox.show('remapped.1')).toMatchObject({ message: forwarded });
      expect(await outbox.show('unmapped.1')).toMatchObject({
        source: texts.cdevent,
        acceptedAt: T0,
        expiresAt: T0 + 60_000,
      });
      await outbox.commit(aCommit([anEntry('new.1', { type: 'dev.cdevents.incident.detected.0.3.0' })]));
      expect(await outbox.show('new.1')).toMatchObject({ type: 'dev.cdevents.incident.detected.0.3.0' });
      expect(await outbox.commit(aCommit([anEntry('lost.1')]))).toMatchObject({ status: 'duplicate' });
    });

    it('leave the file as it was when a step fails', () => {
      const db = openDatabase(path);
      migrate(db, path, schemaOf(1));
      expect(() => migrate(db, path, [...schemaOf(1), 'CREATE TABLE extra (a); nonsense'])).toThrow();
      expect(userVersion(db)).toBe(1);
      expect(db.get("SELECT 1 FROM sqlite_schema WHERE name = 'extra'")).toBeUndefined();
      db.close();
    });
  });

  it('ends its leases when it is closed', async () => {
    const outbox = await open();
    await outbox.commit(aCommit([anEntry('a.1', { orderingKey: 'k' }), anEntry('a.2', { orderingKey: 'k' })]));
    const { entries: claimed } = await outbox.claim(aClaim());
    await outbox.close();
    const again = await open();
    const { entries } = await again.list({}, { limit: 10 });
    expect(entries.map(({ id, state }) => [id, state])).toEqual([
      ['a.2', 'pending'],
      ['a.1', 'pending'],
    ]);
    expect(idsOf((await again.claim(aClaim())).entries)).toEqual(idsOf(claimed));
    const late = claimed.map((entry) => aSettlement(entry, { outcome: 'delivered' }));
    expect(await again.settle(late)).toEqual([{ state: 'lost' }]);
  });

  it('goes by its own clock: setting the system clock delays nothing and expires nothing', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: T0 });
    try {
      const outbox = await openSqliteOutbox({ path });
      opened.push(outbox);
      await outbox.commit(aCommit([anEntry('a.1', { maxAgeMs: 3_600_000 })], { mark: { key: 'm', ttlMs: 60_000 } }));
      const { entries } = await outbox.claim(aClaim());
      await outbox.settle(entries.map((entry) => aSettlement(entry, { outcome: 'retry', delayMs: 0, error: 'x' })));
      vi.setSystemTime(T0 - 7_200_000);
      const { entries: again } = await outbox.claim(aClaim({ leaseMs: 60_000 }));
      expect(idsOf(again)).toEqual(['a.1']);
      vi.setSystemTime(T0 + 7_200_000);
      expect(await outbox.expire(0)).toEqual([]);
      expect((await outbox.claim(aClaim())).entries).toEqual([]);
      expect(await outbox.commit(aCommit([anEntry('a.2')], { mark: { key: 'm', ttlMs: 60_000 } }))).toMatchObject({
        status: 'duplicate',
      });
    } finally {
      vi.useRealTimers();
    }
  });

  describe('a crash', () => {
    it('loses nothing that was acknowledged, and repeats nothing', async () => {
      const acknowledged = new Set<string>();
      for (let run = 0; run < 3; run++) {
        const { child, lines } = aChild(run * 1_000_000);
        const enough = acknowledged.size + 100;
        for await (const line of lines) {
          if (line === 'open') continue;
          acknowledged.add(line);
          if (acknowledged.size === enough) child.kill('SIGKILL');
        }
        const outbox = await open();
        const { entries } = await outbox.list({}, { limit: 100_000 });
        const ids = idsOf(entries);
        expect(new Set(ids).size).toBe(ids.length);
        const missing = [...acknowledged].filter((number) => !ids.includes(`${number}.1`));
        expect(missing).toEqual([]);
        for (const number of ids.map((id) => id.slice(0, -2))) {
          expect(await outbox.recall(`object ${number}`)).toMatchObject({ memory: number });
        }
        expect((await outbox.stats())[0]?.counts.pending).toBe(ids.length);
        await outbox.close();
      }
    });
  });

  it('fails for good when it reads a damaged page, and is not opened again until that is repaired', async () => {
    const first = await open();
    const entries = Array.from({ length: 400 }, (_, i) => anEntry(`a.${i}`, { source: 'x'.repeat(100_000) }));
    for (let i = 0; i < entries.length; i += 20) await first.commit(aCommit(entries.slice(i, i + 20)));
    await first.close();
    // Too large to be checked as a whole at each opening.
    const { size } = await stat(path);
    expect(size).toBeGreaterThan(32 * 1024 * 1024);
    const db = new DatabaseSync(path, { readOnly: true });
    const page = db
      .prepare("SELECT max(pageno) AS page FROM dbstat WHERE name = 'payload' AND pagetype = 'leaf'")
      .get();
    db.close();
    const file = await openFile(path, 'r+');
    await file.write(Buffer.alloc(4096, 0xff), 0, 4096, (Number(page?.page) - 1) * 4096);
    await file.close();

    const outbox = await open();
    await expect(outbox.claim(aClaim({ limit: 1_000, perProvider: 1_000 }))).rejects.toMatchObject({
      code: 'FCE_STORE_UNAVAILABLE',
    });
    expect(await outbox.failed).toMatchObject({
      code: 'FCE_STORE_CORRUPT',
      message: expect.stringContaining('backup'),
    });
    await expect(outbox.commit(aCommit([anEntry('b.1')]))).rejects.toMatchObject({ code: 'FCE_STORE_UNAVAILABLE' });
    await outbox.close();
    await expect(open()).rejects.toMatchObject({ code: 'FCE_STORE_CORRUPT' });
  }, 30_000);

  describe('a failure', () => {
    const big = (id: string) => anEntry(id, { source: 'x'.repeat(50_000) });
    const fill = async (outbox: Outbox, from = 0) => {
      for (let i = from; ; i++) {
        try {
          await outbox.commit(aCommit([big(`${i}.1`)], { object: `o${i}`, remember: 'x' }));
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'FCE_STORE_UNAVAILABLE', message: expect.stringContaining('no room') });
          return i;
        }
      }
    };
    const consistent = async (outbox: Outbox, stored: number) => {
      expect((await outbox.list({}, { limit: 10_000 })).entries).toHaveLength(stored);
      expect((await outbox.stats())[0]?.counts).toMatchObject({ pending: stored });
    };

    it('of one call does not touch the others of its batch', async () => {
      const outbox = await open();
      const wrong = { ...anEntry('b.1'), source: Symbol.iterator.toString as unknown as string };
      const bad = outbox.commit(aCommit([{ ...wrong, source: { not: 'a text' } as unknown as string }]));
      const good = ['a.1', 'c.1'].map((id) => outbox.commit(aCommit([anEntry(id)], { object: id, remember: id })));
      await expect(bad).rejects.toThrow(/bound|bind/);
      expect(await Promise.all(good)).toEqual([{ status: 'stored' }, { status: 'stored' }]);
      await consistent(outbox, 2);
    });

    it('for lack of space is reported, rolled back, and over when there is space again', async () => {
      const outbox = await open({ maxBytes: 1_000_000 });
      const stored = await fill(outbox);
      expect(stored).toBeGreaterThan(5);
      await consistent(outbox, stored);
      expect(await outbox.recall(`o${stored}`)).toEqual({ version: 0 });
      await expect(outbox.commit(aCommit([big('again.1')]))).rejects.toMatchObject({ code: 'FCE_STORE_UNAVAILABLE' });

      // what is under lease stays so, and can be settled
      const { entries } = await outbox.claim(aClaim({ limit: 3 }));
      const settlements = entries.map((entry) => aSettlement(entry, { outcome: 'dead-letter', error: 'x' }));
      expect(await outbox.settle(settlements)).toEqual(entries.map(() => ({ state: 'dead-letter', error: 'x' })));
      expect(await outbox.discard({})).toBe(3);
      expect(await outbox.commit(aCommit([big('again.1')]))).toEqual({ status: 'stored' });
      await consistent(outbox, stored - 2);
    });

    it('of a settlement leaves the lease as it was', async () => {
      const outbox = await open({ maxBytes: 400_000 });
      await outbox.commit(aCommit([anEntry('a.1')]));
      const { entries } = await outbox.claim(aClaim());
      const huge = entries.map((entry) =>
        aSettlement(entry, { outcome: 'retry', delayMs: 0, error: 'x'.repeat(1_000_000) }),
      );
      await expect(outbox.settle(huge)).rejects.toMatchObject({ code: 'FCE_STORE_UNAVAILABLE' });
      expect((await outbox.stats())[0]?.counts).toMatchObject({ pending: 0, delivering: 1 });
      expect((await outbox.claim(aClaim())).entries).toEqual([]);
      const settlements = entries.map((entry) => aSettlement(entry, { outcome: 'delivered' }));
      expect(await outbox.settle(settlements)).toEqual([{ state: 'delivered' }]);
    });

    it('of a disk that waiting entries filled ends when they are delivered, without a restart and across one', async ({
      skip,
    }) => {
      const disk = join(folder, 'disk');
      if (!mountSmallDisk(disk, '24m')) return skip('needs the right to mount a tmpfs');
      try {
        let outbox = await open({ path: join(disk, 'outbox.db') });
        const deliverAll = async () => {
          let count = 0;
          for (;;) {
            const { entries } = await outbox.claim(aClaim());
            if (entries.length === 0) return count;
            const settled = await outbox.settle(entries.map((entry) => aSettlement(entry, { outcome: 'delivered' })));
            expect(settled.every(({ state }) => state === 'delivered')).toBe(true);
            count += entries.length;
          }
        };
        const first = await fill(outbox);
        expect(first).toBeGreaterThan(100);
        expect(outbox.refusing()).toContain('no room left on the disk');
        expect(await deliverAll()).toBe(first);
        await vi.waitFor(() => expect(outbox.refusing()).toBeUndefined(), 10_000);
        const second = (await fill(outbox, first)) - first;
        expect(second).toBeGreaterThan(first / 2);

        await outbox.close();
        outbox = await open({ path: join(disk, 'outbox.db') });
        // Somebody else takes the rest.
        const ballast = join(disk, 'ballast');
        await writeFile(ballast, Buffer.alloc(24_000_000)).catch(() => {});
        expect(await deliverAll()).toBe(second);
        await unlink(ballast);
        await vi.waitFor(() => expect(outbox.refusing()).toBeUndefined(), 10_000);
        expect(await outbox.commit(aCommit([big('again.1')]))).toEqual({ status: 'stored' });
      } finally {
        for (const outbox of opened) await outbox.close();
        execFileSync('umount', [disk]);
      }
      return undefined;
    }, 60_000);

    it('of the disk itself is over when the disk has room again', async ({ skip }) => {
      const disk = join(folder, 'disk');
      if (!mountSmallDisk(disk)) return skip('needs the right to mount a tmpfs');
      try {
        const ballast = join(disk, 'ballast');
        await writeFile(ballast, Buffer.alloc(1_000_000));
        const outbox = await open({ path: join(disk, 'outbox.db') });
        const stored = await fill(outbox);
        await consistent(outbox, stored);
        await unlink(ballast);
        expect(await outbox.commit(aCommit([big('again.1')]))).toEqual({ status: 'stored' });
        await consistent(outbox, stored + 1);
        await outbox.close();
        await consistent(await open({ path: join(disk, 'outbox.db') }), stored + 1);
      } finally {
        for (const outbox of opened) await outbox.close();
        execFileSync('umount', [disk]);
      }
      return undefined;
    });
  });

  it('does what a simple model does, whatever is asked of it', async () => {
    const number = fc.nat(11);
    const action = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('commit' as const), numbers: fc.array(number, { maxLength: 3 }) }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('claim' as const),
          limit: fc.nat(5),
          perProvider: fc.integer({ min: 1, max: 4 }),
          leaseMs: fc.integer({ min: 1, max: 40 }),
          except: fc.constantFrom([], [], ['a/p0'], ['a/p0', 'a/p1']),
        }),
      },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('settle' as const),
          which: fc.nat(20),
          outcome: fc.constantFrom('delivered', 'retry', 'dead-letter', 'release'),
          delay: fc.nat(30),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('replace' as const),
          which: fc.nat(20),
          numbers: fc.array(number, { maxLength: 3 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('replay' as const),
          ids: fc.option(fc.array(number, { maxLength: 3 }), { nil: undefined }),
          states: fc.constantFrom(undefined, ['dead-letter'], ['delivered', 'pending', 'waiting']),
          remap: fc.boolean(),
        }),
      },
      fc.record({ do: fc.constantFrom('discard', 'abandon', 'wake', 'expire', 'reopen'), which: fc.nat(2) }),
      { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(25) }) },
    );
    const kindOf = (n: number): EntryKind => (n === 5 ? 'forward' : n === 7 ? 'flux' : 'cdevent');
    // The number of an entry says all of it: three Providers, three keys and none, a kind, a message or none, a lifetime.
    const entryOf = (n: number): NewEntry => {
      const { message, ...entry } = anEntry(`${n}.e`, {
        provider: { namespace: 'a', name: `p${n % 3}` },
        kind: kindOf(n),
        maxAgeMs: 40 + 7 * n,
        ...(n % 4 !== 0 && { orderingKey: `key ${n % 4}` }),
        ...(n === 11 && { deadLetter: 'not valid' }),
      });
      return n === 3 || n === 8 || message === undefined ? entry : { ...entry, message };
    };

    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 40 }), fc.nat(1e9), async (actions, run) => {
        const file = join(folder, `${run}-${opened.length}.db`);
        let outbox = await open({ path: file });
        const model = createModel();
        const claims: ClaimedEntry[] = [];
        for (const step of actions) {
          now += 1;
          const at = now;
          const claimed = 'which' in step ? claims.at(-1 - (step.which % Math.max(claims.length, 1))) : undefined;
          switch (step.do) {
            case 'commit': {
              const commit = aCommit(step.numbers.map(entryOf));
              expect((await outbox.commit(commit)).status).toBe(model.commit(commit, at));
              break;
            }
            case 'claim': {
              const { do: _, ...rest } = step;
              const request = { ...rest, except: new Set(step.except) };
              const claim = await outbox.claim(request);
              expect(model.claimed(request, claim, at)).toBeUndefined();
              claims.push(...claim.entries);
              // nothing left to hand out: the next time is a later one, else the caller would spin
              if (claim.entries.length < step.limit) {
                const { nextDueInMs } = await outbox.claim(request);
                expect(nextDueInMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(0);
              }
              break;
            }
            case 'settle': {
              if (!claimed) break;
              const { id, leaseId } = claimed;
              const { outcome, delay: delayMs } = step;
              const settlement = { id, leaseId, outcome, delayMs, error: `error ${at}` } as Settlement;
              expect(await outbox.settle([settlement])).toEqual([model.settle(settlement, at)]);
              break;
            }
            case 'replace': {
              if (!claimed) break;
              const { id, leaseId } = claimed;
              if (new Set(step.numbers).size < step.numbers.length) break;
              const commit = aCommit(step.numbers.map(entryOf), { replaces: { id, leaseId } });
              expect((await outbox.commit(commit)).status).toBe(model.commit(commit, at));
              break;
            }
            case 'replay': {
              const filter = {
                ...(step.ids && { ids: step.ids.map((n) => `${n}.`) }),
                ...(step.states && { states: [...step.states] as EntryState[] }),
              };
              const replay = { maxAgeMs: 100, remap: step.remap };
              expect(await outbox.replay(filter, replay)).toBe(model.replay(filter, replay, at));
              break;
            }
            case 'discard':
              expect(await outbox.discard({})).toBe(model.discard({}));
              break;
            case 'abandon': {
              const name = `p${step.which}`;
              expect(await outbox.abandon({ namespace: 'a', name }, 'gone')).toBe(model.abandon(name, 'gone'));
              break;
            }
            case 'wake':
              await outbox.wake({ namespace: 'a', name: `p${step.which}` });
              model.wake(`p${step.which}`, at);
              break;
            case 'expire':
              expect(idsOf(await outbox.expire(step.which)).sort()).toEqual(model.expire(step.which, at).sort());
              break;
            case 'reopen':
              await outbox.close();
              outbox = await open({ path: file });
              model.restart();
              break;
            case 'wait':
              now += step.ms;
          }
          const { entries } = await outbox.list({}, { limit: 100 });
          expect(entries.map(factsOf).reverse()).toEqual(model.entries.map(facts));
        }
        const counts: Record<string, number> = {};
        for (const one of await outbox.stats()) {
          for (const [state, count] of Object.entries(one.counts)) counts[state] = (counts[state] ?? 0) + count;
        }
        const listed = model.entries.map(facts);
        for (const [state, count] of Object.entries(counts)) {
          expect([state, count]).toEqual([state, listed.filter((one) => one.state === state).length]);
        }
        await outbox.close();
      }),
      { numRuns: 30 },
    );
  });

  it('works on a backlog without loading it', async () => {
    const outbox = await open();
    const commits = Array.from({ length: 40 }, (_, c) =>
      aCommit(Array.from({ length: 100 }, (_, i) => anEntry(`${c}.${i}`, { orderingKey: `key ${i}` }))),
    );
    await Promise.all(commits.map((commit) => outbox.commit(commit)));
    const { entries } = await outbox.claim(aClaim({ limit: 500, perProvider: 500 }));
    expect(idsOf(entries)).toEqual(Array.from({ length: 100 }, (_, i) => `0.${i}`));
    expect(await outbox.abandon(hub, 'gone')).toBe(4_000);
  });
});

function mountSmallDisk(folder: string, size = '3m'): boolean {
  try {
    execFileSync('mkdir', [folder]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
