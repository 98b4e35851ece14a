import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { documentsIn, type KubeObject } from './api.ts';
import type { Tools } from './tools/tools.ts';

const ROOT = join(import.meta.dirname, '..');

/** A kustomization; folders are relative to the checkout. */
export interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  /** Objects beside the resources. */
  readonly objects?: readonly KubeObject[];
}

/** Builds it with `kubectl kustomize`. @throws with the output of kubectl when the build fails */
export async function kustomize(
  { kubectl }: Pick<Tools, 'kubectl'>,
  { resources = [], components = [], objects = [] }: Kustomization,
): Promise<KubeObject[]> {
  const parent = join(ROOT, '.cache/e2e');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'kustomization-'));
  try {
    const files = objects.map((object, index) => {
      writeFileSync(join(folder, `${index}.json`), JSON.stringify(object));
      return `${index}.json`;
    });
    const fromHere = (path: string) => relative(folder, join(ROOT, path));
    const kustomization = {
      resources: [...resources.map(fromHere), ...files],
      components: components.map(fromHere),
    };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    const { stdout } = await promisify(execFile)(kubectl, ['kustomize', folder]);
    return documentsIn(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command of `flux-cdevents` and returns its standard output. @throws with its standard error */
export async function fluxCDEvents(...args: readonly string[]): Promise<string> {
  const bin = join(ROOT, 'packages/flux-cdevents/bin/flux-cdevents.js');
  return (await promisify(execFile)(process.execPath, [bin, ...args])).stdout;
}
