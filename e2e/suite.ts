import { describe, inject } from 'vitest';
import { type Api, createApi } from './api.ts';
import type { Tools } from './tools/tools.ts';

/** Describes a suite that needs a cluster; it is skipped where there is none. */
export const describeOnCluster: (name: string, suite: () => void) => void = inject('tools') ? describe : describe.skip;

/** Administrator access to the shared cluster. */
export function sharedCluster(): Api {
  const access = inject('shared');
  if (!access) throw new Error('no cluster');
  return createApi(access);
}

export function tools(): Tools {
  const found = inject('tools');
  if (!found) throw new Error('no tools');
  return found;
}
