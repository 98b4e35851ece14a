import { defineConfig } from 'vitest/config';

/** On a real API server, which is built the first time: that takes Go and some minutes. */
export default defineConfig({
  test: {
    include: ['e2e/suites/**/*.e2e.ts'],
    globalSetup: ['e2e/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: process.env.CI ? ['default', ['json', { outputFile: '.cache/reports/e2e.json' }]] : ['default'],
  },
});
