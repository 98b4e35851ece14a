import { defineConfig } from 'vitest/config';

/** The real controller as a process, with faults around it. FAULTS_MINUTES repeats the random ones for longer. */
export default defineConfig({
  test: {
    include: ['faults/suites/**/*.faults.ts'],
    globalSetup: ['faults/global-setup.ts'],
    maxWorkers: 2,
    testTimeout: 120_000 + Number(process.env.FAULTS_MINUTES ?? 0) * 60_000,
    hookTimeout: 120_000,
    reporters: process.env.CI ? ['default', ['json', { outputFile: '.cache/reports/faults.json' }]] : ['default'],
  },
});
