import { aCommit, anEntry } from '../../src/outbox/contract/fixtures.ts';
import { openSqliteOutbox } from '../../src/outbox/sqlite/sqlite-outbox.ts';

/*
 * Opens the store named on the command line, says so, and commits entries until it is killed. A line `n` on standard
 * output says that the entry `n.1` and its memory `n` are committed.
 */
const [path = '', from = '0'] = process.argv.slice(2);
try {
  const outbox = await openSqliteOutbox({ path });
  process.stdout.write('open\n');
  for (let batch = Number(from); ; batch += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const number = String(batch + i);
        const entry = anEntry(`${number}.1`, { orderingKey: `key ${Number(number) % 7}` });
        await outbox.commit(aCommit([entry], { object: `object ${number}`, remember: number }));
        process.stdout.write(`${number}\n`);
      }),
    );
  }
} catch (thrown) {
  process.stdout.write(`${(thrown as { code?: string }).code}: ${(thrown as Error).message}\n`);
}
