import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a kubeconfig for an API server, with a token and a namespace. @returns its path */
export function writeKubeconfig(folder: string, server: string): string {
  const path = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token: 'ours' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'flux-system' } }],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
