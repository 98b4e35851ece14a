// Posts Flux events to a controller on the loopback and measures its answers.
import { Pool } from 'undici';

export interface Load {
  readonly url: string;
  readonly count: number;
  readonly connections: number;
  /** Distinct involved objects that the events are spread over. */
  readonly objects: number;
  /** Makes the events of one run differ from those of another. */
  readonly run: string;
}

export interface LoadResult {
  readonly accepted: number;
  readonly seconds: number;
  /** Sorted, in ms. */
  readonly latencies: readonly number[];
}

export function fluxEvent(i: number, { objects, run }: Pick<Load, 'objects' | 'run'>): string {
  const name = `app-${i % objects}`;
  const version = Math.floor(i / objects) + 1;
  return JSON.stringify({
    involvedObject: {
      kind: 'HelmRelease',
      namespace: 'apps',
      name,
      uid: `ef3b02e5-399b-4838-a900-${String(i % objects).padStart(12, '0')}`,
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      resourceVersion: String(1000 + i),
    },
    severity: 'info',
    timestamp: '2026-11-24T07:49:41Z',
    message: `Helm upgrade succeeded for release apps/${name}.v${version} with chart podinfo@6.5.${version} (${run})`,
    reason: 'UpgradeSucceeded',
    metadata: {
      'event.toolkit.fluxcd.io/deploymentID': '4711',
      'helm.toolkit.fluxcd.io/app-version': '6.5.1',
      'helm.toolkit.fluxcd.io/revision': `6.5.${version}`,
      'helm.toolkit.fluxcd.io/token': 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    },
    reportingController: 'helm-controller',
    reportingInstance: 'helm-controller-0',
  });
}

/** Posts distinct events, each once. Only the answer 202 is counted as accepted. */
export async function post(load: Load): Promise<LoadResult> {
  const { origin, pathname } = new URL(load.url);
  const pool = new Pool(origin, { connections: load.connections });
  const latencies: number[] = [];
  const started = performance.now();
  let next = 0;
  let accepted = 0;
  const send = async (i: number) => {
    const at = performance.now();
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: pathname,
        headers: { 'content-type': 'application/json' },
        body: fluxEvent(i, load),
      });
      await body.dump();
      if (statusCode === 202) accepted += 1;
    } catch {
      // No answer: not accepted.
    }
    latencies.push(performance.now() - at);
  };
  const worker = async () => {
    while (next < load.count) await send(next++);
  };
  await Promise.all(Array.from({ length: load.connections }, worker));
  const seconds = (performance.now() - started) / 1000;
  await pool.close();
  return { accepted, seconds, latencies: latencies.sort((a, b) => a - b) };
}

export const percentile = (sorted: readonly number[], p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;

export const median = (values: readonly number[]): number =>
  percentile(
    [...values].sort((a, b) => a - b),
    50,
  );
