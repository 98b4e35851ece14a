import { defineConfig } from 'vitest/config';

/** What needs another language's toolchain, apart from `npm test`: the first run compiles, which takes a minute or two. */
export default defineConfig({
  test: {
    include: ['packages/*/test/interop/**/*.interop.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    reporters: process.env.CI ? ['default', ['json', { outputFile: '.cache/reports/interop.json' }]] : ['default'],
  },
});
