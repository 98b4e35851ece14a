import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteOutbox } from '../src/outbox/sqlite/sqlite-outbox.ts';
import { describeOutbox, type StoreUnderTest } from './outbox-contract.ts';

async function aStore(): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'outbox-'));
  const path = join(folder, 'data', 'outbox.db');
  return { open: () => openSqliteOutbox({ path }), remove: () => rm(folder, { recursive: true }) };
}
describeOutbox('SQLite', aStore);
