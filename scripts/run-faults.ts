// Runs the fault suites. `--long`: the random faults go on for an hour. Other arguments go to Vitest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const given = process.argv.slice(2);
const isLong = given.includes('--long');
const { status } = spawnSync(
  process.execPath,
  [
    join(import.meta.dirname, '../node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    'vitest.faults.config.ts',
    ...given.filter((argument) => argument !== '--long'),
  ],
  { stdio: 'inherit', env: { ...process.env, ...(isLong && { FAULTS_MINUTES: '60' }) } },
);
process.exitCode = status ?? 1;
