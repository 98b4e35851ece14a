import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Each test file, store thread and command of a test is a thread or process of its own, which compiles the same modules.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '.cache/compile');

export default defineConfig({
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'test/*.test.ts'],
    testTimeout: 20_000,
    // One core would be left idle otherwise, which is half of them on a small machine.
    maxWorkers: '100%',
    reporters: process.env.CI ? ['default', ['json', { outputFile: '.cache/reports/unit.json' }]] : ['default'],
  },
});
