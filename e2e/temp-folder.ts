import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempFolder {
  readonly path: string;
  remove(): void;
}

const folders = new Set<string>();
const removeNow = (path: string) => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
process.once('exit', () => {
  for (const path of folders) removeNow(path);
});

/** Creates a folder that does not outlive this process. */
export function createTempFolder(name: string): TempFolder {
  const path = mkdtempSync(join(tmpdir(), `flux-cdevents-${name}-`));
  folders.add(path);
  return {
    path,
    remove() {
      folders.delete(path);
      removeNow(path);
    },
  };
}
