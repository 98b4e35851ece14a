import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'test/*.test.ts'],
    testTimeout: 20_000,
    // One core would be left idle otherwise, which is half of them on a small machine.
    maxWorkers: '100%',
    reporters: process.env.CI ? ['default', ['json', { outputFile: '.cache/reports/unit.json' }]] : ['default'],
  },
});
