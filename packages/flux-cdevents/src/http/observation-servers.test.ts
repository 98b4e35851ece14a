import { describe, expect, it } from 'vitest';
import type { ConfigSnapshot } from '../config/config-source.ts';
import { createIssue } from '../diagnostics/issue.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { ProviderStats } from '../outbox/inspection.ts';
import { createHealthServer } from './health-server.ts';
import { createMetricsServer } from './metrics-server.ts';
import { refreshGauges } from './refresh-gauges.ts';

const statsOf = (name: string, counts: Partial<ProviderStats['counts']>, oldestAgeMs?: number): ProviderStats => ({
  provider: { namespace: 'flux-system', name },
  counts: { waiting: 0, pending: 0, delivering: 0, delivered: 0, 'dead-letter': 0, ...counts },
  ...(oldestAgeMs !== undefined && { oldestAgeMs }),
});

const snapshot: ConfigSnapshot = {
  alerts: [],
  providers: new Map(),
  problems: [createIssue('missing', ['spec'], 'a spec', 'nothing')],
  unread: [],
};

describe('health', () => {
  it('says what is missing until it is ready', async () => {
    let reasons = ['the configuration is not loaded yet', 'the store is away'];
    const server = createHealthServer({ ready: () => reasons, dead: () => undefined });
    const early = await server.inject('/readyz');
    expect(early.statusCode).toBe(503);
    expect(early.body).toBe('the configuration is not loaded yet\nthe store is away\n');
    expect((await server.inject('/healthz')).statusCode).toBe(200);
    reasons = [];
    expect((await server.inject('/readyz')).statusCode).toBe(200);
  });

  it('is neither alive nor ready when only a restart helps, and says why', async () => {
    const server = createHealthServer({ ready: () => [], dead: () => 'the file of the store was deleted' });
    for (const path of ['/healthz', '/readyz']) {
      const { statusCode, body } = await server.inject(path);
      expect([statusCode, body]).toEqual([503, 'the file of the store was deleted\n']);
    }
  });
});

describe('metrics', () => {
  const scrape = async (stats: () => Promise<readonly ProviderStats[]>, metrics = createMetrics()) => {
    const refresh = () => refreshGauges({ metrics, outbox: { stats }, snapshot: () => snapshot });
    const { statusCode, body } = await createMetricsServer({ metrics, refresh }).inject('/metrics');
    expect(statusCode).toBe(200);
    return body.split('\n').filter((line) => /^flux_cdevents_(queue|oldest|dead|config)/.test(line));
  };

  it('fills the gauges from the outbox', async () => {
    const hub = statsOf('hub', { waiting: 1, pending: 2, 'dead-letter': 3 }, 4500);
    expect(await scrape(async () => [hub, statsOf('quiet', { delivered: 7 })])).toEqual([
      'flux_cdevents_queue_depth{state="waiting"} 1',
      'flux_cdevents_queue_depth{state="pending"} 2',
      'flux_cdevents_queue_depth{state="delivering"} 0',
      'flux_cdevents_queue_depth{state="delivered"} 7',
      'flux_cdevents_queue_depth{state="dead-letter"} 3',
      'flux_cdevents_oldest_pending_seconds{namespace="flux-system",provider="hub"} 4.5',
      'flux_cdevents_oldest_pending_seconds{namespace="flux-system",provider="quiet"} 0',
      'flux_cdevents_dead_letters{namespace="flux-system",provider="hub"} 3',
      'flux_cdevents_dead_letters{namespace="flux-system",provider="quiet"} 0',
      'flux_cdevents_config_problems{severity="error"} 1',
      'flux_cdevents_config_problems{severity="warning"} 0',
    ]);
  });

  it('forgets Providers that are gone', async () => {
    const metrics = createMetrics();
    await scrape(async () => [statsOf('old', { 'dead-letter': 1 })], metrics);
    const lines = await scrape(async () => [statsOf('new', {})], metrics);
    expect(lines.join()).not.toContain('provider="old"');
  });

  it('answers without the store, and without old numbers', async () => {
    const metrics = createMetrics();
    await scrape(async () => [statsOf('hub', { pending: 1 })], metrics);
    const lines = await scrape(() => Promise.reject(new Error('disk full')), metrics);
    expect(lines.filter((line) => line.startsWith('flux_cdevents_queue_depth'))).toEqual([]);
    expect(lines).toContain('flux_cdevents_config_problems{severity="error"} 1');
  });
});

it.each([
  [
    'health',
    () => createHealthServer({ ready: () => [], dead: () => undefined }),
    ['/healthz', '/readyz', '/nothing', '/%'],
  ],
  [
    'metrics',
    () => createMetricsServer({ metrics: createMetrics(), refresh: async () => undefined }),
    ['/metrics', '/nothing', '/%'],
  ],
])('%s: a browser neither keeps nor frames nor guesses an answer', async (_, create, urls) => {
  const server = create();
  for (const url of urls) {
    expect((await server.inject(url)).headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    });
  }
});
