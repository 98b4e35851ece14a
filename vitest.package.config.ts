import { defineConfig } from 'vitest/config';

/** What is published, used as a stranger would: after `npm run build`. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: process.env.CI ? ['default', ['json', { outputFile: '.cache/reports/package.json' }]] : ['default'],
  },
});
