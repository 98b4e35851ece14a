import type { TestProject } from 'vitest/node';
import type { Access } from './api.ts';
import { startCluster } from './cluster.ts';
import { applyShipped } from './shipped.ts';
import { findTools, type Tools, ToolsMissingError } from './tools/tools.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Absent when there is nothing to run the suites on: then they are skipped. */
    tools: Tools | undefined;
    /** Administrator access to the cluster that the suites share. */
    shared: Access | undefined;
  }
}

/** Finds or builds the programs and starts the cluster that the suites share. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const say = (line: string) => process.stderr.write(`e2e: ${line}\n`);
  try {
    const tools = await findTools(say);
    const cluster = await startCluster(tools);
    project.provide('tools', tools);
    project.provide('shared', cluster.admin.access);
    await applyShipped(cluster.admin);
    return () => cluster.stop();
  } catch (error) {
    if (!(error instanceof ToolsMissingError)) throw error;
    say(`skipped: ${error.message}`);
    project.provide('tools', undefined);
    project.provide('shared', undefined);
    return undefined;
  }
}
