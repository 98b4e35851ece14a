#!/usr/bin/env node
import module from 'node:module';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(`flux-cdevents: expected Node.js 24 or later, found ${process.versions.node}\n`);
  process.exit(2);
}
// Compiled code of the last run is used again: a start takes half the time.
module.enableCompileCache();
await import('../src/cli.ts');
