import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDocument } from '../../packages/flux-cdevents/src/config/files/read-document.ts';
import type { Alert } from '../../packages/flux-cdevents/src/flux/alert.ts';
import type { FluxEvent } from '../../packages/flux-cdevents/src/flux/event.ts';
import { parseFluxEvent } from '../../packages/flux-cdevents/src/flux/event.ts';
import { goRegexp } from '../../packages/flux-cdevents/src/lib/go-regexp.ts';
import { createLongMatches, type LongMatches } from '../../packages/flux-cdevents/src/match/long-matches.ts';
import { createMatcher } from '../../packages/flux-cdevents/src/match/matcher.ts';
import { createLogger } from '../../packages/flux-cdevents/src/observe/log.ts';
import { createMetrics } from '../../packages/flux-cdevents/src/observe/metrics.ts';
import type { NewEntry } from '../../packages/flux-cdevents/src/outbox/entry.ts';
import type { Commit } from '../../packages/flux-cdevents/src/outbox/event-store.ts';
import { createPipeline } from '../../packages/flux-cdevents/src/pipeline/accept.ts';
import { parseHeaders } from '../../packages/flux-cdevents/src/provider/endpoint/headers.ts';
import { aFluxEvent } from '../../packages/flux-cdevents/test/helpers/flux-events.ts';
import { longestTurnOf, millisecondsOf } from '../../packages/flux-cdevents/test/helpers/processor-time.ts';
import { aProvider } from '../../packages/flux-cdevents/test/helpers/providers.ts';

/** For how long the event loop may be away, in ms of a quiet machine. */
const MAX_AWAY_MS = 100;
const MB = 1_000_000;

let longMatches: LongMatches;
beforeAll(() => {
  longMatches = createLongMatches();
});
afterAll(() => longMatches.close());

const anAlert = (name: string, spec: Partial<Alert['spec']> = {}): Alert => ({
  metadata: { namespace: 'flux-system', name },
  spec: { providerRef: { name }, eventSources: [{ kind: 'HelmRelease', namespace: 'apps', name: '*' }], ...spec },
});

/** A pipeline with a Provider for each Alert, and a store that keeps everything in memory. */
function aPipeline(alerts: readonly Alert[]) {
  const providers = new Map(
    alerts.map(({ spec: { providerRef } }) => {
      const ref = { namespace: 'flux-system', name: providerRef.name };
      return [`flux-system/${ref.name}`, aProvider({ ref, options: { preset: 'service' } })];
    }),
  );
  const configuration = { snapshot: { alerts, providers, problems: [], unread: [] }, matcher: createMatcher(alerts) };
  const entries: NewEntry[] = [];
  const lines: string[] = [];
  const metrics = createMetrics();
  const pipeline = createPipeline({
    config: { labels: async () => undefined },
    current: () => configuration,
    longMatch: longMatches.match,
    outbox: {
      recall: async () => ({ version: 0 }),
      async commit(commit: Commit) {
        entries.push(...commit.entries);
        return { status: 'stored' };
      },
      settle: async () => {},
    } as never,
    defaults: {},
    rateLimitIntervalMs: 0,
    metrics,
    logger: createLogger(
      { level: 'info', encoding: 'json' },
      new Writable({
        write(line, _, done) {
          lines.push(String(line));
          done();
        },
      }),
    ),
  });
  return { pipeline, entries, lines, metrics };
}

/** Letters without a period that an expression could use. */
function letters(count: number): string {
  const bytes = Buffer.alloc(count);
  for (let index = 0; index < count; index++) bytes[index] = 97 + (((index * 7919) ^ (index >> 3)) % 26);
  return bytes.toString('latin1');
}

const numbered = (count: number, value = 'v') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`event.toolkit.fluxcd.io/k${index}`, value]));
const of = (overrides: Partial<FluxEvent>): FluxEvent =>
  parseFluxEvent(JSON.stringify({ ...aFluxEvent(), ...overrides }), 0);

describe('an event', () => {
  const { involvedObject } = aFluxEvent();
  it.each<[string, () => Partial<FluxEvent>]>([
    ['a message of 2.9 MB', () => ({ message: 'x'.repeat(2.9 * MB) })],
    ['a message of 2.9 MB in which each character is escaped', () => ({ message: '\u0001'.repeat(0.48 * MB) })],
    ['a message of half surrogate pairs', () => ({ message: '\ud800'.repeat(0.48 * MB) })],
    [
      'the longest names',
      () => ({ involvedObject: { ...involvedObject, name: '/'.repeat(1024), kind: 'K'.repeat(1024) } }),
    ],
    ['the longest metadata', () => ({ metadata: { 'helm.toolkit.fluxcd.io/revision': '@'.repeat(500_000) } })],
    [
      'the longest digest',
      () => ({ metadata: { 'helm.toolkit.fluxcd.io/oci-digest': `a@sha256:${'0'.repeat(500_000)}` } }),
    ],
    ['the longest chain', () => ({ metadata: { 'event.toolkit.fluxcd.io/chainId': 'x'.repeat(500_000) } })],
    ['9,000 metadata keys', () => ({ metadata: numbered(9_000, 'v'.repeat(20)) })],
  ])('with %s', async (_, overrides) => {
    const event = of(overrides());
    const { pipeline, entries } = aPipeline([anAlert('hub')]);
    await pipeline.accept(of({}));
    expect(await longestTurnOf(() => pipeline.accept(event))).toBeLessThan(MAX_AWAY_MS);
    expect(entries).not.toHaveLength(0);
  });

  it('for 60 Providers, with a message of 2.9 MB', async () => {
    const { pipeline, entries } = aPipeline(Array.from({ length: 60 }, (_, index) => anAlert(`hub-${index}`)));
    const event = of({ message: 'x'.repeat(2.9 * MB) });
    expect(await longestTurnOf(() => pipeline.accept(event))).toBeLessThan(MAX_AWAY_MS);
    expect(entries).toHaveLength(60);
  });

  it('with 9,000 keys that the Alert sets as well is one short log line', async () => {
    const metadata = numbered(9_000);
    const eventMetadata = Object.fromEntries(Object.keys(metadata).map((key) => [key.split('/')[1] ?? '', 'a']));
    const { pipeline, lines } = aPipeline([anAlert('hub', { eventMetadata })]);
    const event = of({ metadata: { ...metadata, [`event.toolkit.fluxcd.io/${'k'.repeat(100_000)}`]: 'v' } });
    expect(await longestTurnOf(() => pipeline.accept(event))).toBeLessThan(MAX_AWAY_MS);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ more: 8_980 });
    expect(lines[0]?.length).toBeLessThan(10_000);
  });
});

describe('the expressions of an Alert', () => {
  const slow = '(?:[a-m][a-z]{100}|[n-z][a-z]{200}){2}[0-9]';
  const message = `ab${letters(2.8 * MB)}ab`;

  it.each<[string, readonly string[]]>([
    ['one that takes a minute', [slow]],
    ['300 simple ones', Array.from({ length: 300 }, (_, index) => `x.*y${index}`)],
    ['repetitions', ['([a-z]{1,30}[0-9]){20}']],
  ])('%s, with a message of 2.8 MB', async (_, exclusionList) => {
    const { pipeline, entries } = aPipeline([anAlert('hub', { exclusionList })]);
    const event = of({ message });
    expect(await longestTurnOf(() => pipeline.accept(event))).toBeLessThan(MAX_AWAY_MS);
    expect(entries).toHaveLength(1);
  });

  it('let an event through when they take too long, in a log line and a metric', async () => {
    const { pipeline, entries, lines, metrics } = aPipeline([
      anAlert('included', { inclusionList: [slow] }),
      anAlert('not-excluded', { exclusionList: [slow] }),
      anAlert('excluded', { exclusionList: ['^ab'], eventSources: [{ kind: 'HelmRelease', name: 'other' }] }),
    ]);
    await pipeline.accept(of({ message }));
    expect(entries.map(({ provider }) => provider.name)).toEqual(['included', 'not-excluded']);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', characters: message.length });
    expect(await metrics.registry.metrics()).toContain('flux_cdevents_undecided_expressions_total 1');
  });

  it('decide about a message of 2.8 MB when they are quick', async () => {
    const expressions = [...Array.from({ length: 100 }, (_, index) => `never${index}`), 'ab$'];
    const { pipeline, entries } = aPipeline([
      anAlert('included', { inclusionList: expressions }),
      anAlert('excluded', { exclusionList: expressions }),
    ]);
    await pipeline.accept(of({ message }));
    expect(entries.map(({ provider }) => provider.name)).toEqual(['included']);
  });

  it.each([
    ['1 MB', 'x'.repeat(MB)],
    ['the longest one', '[[:word:]]'.repeat(500)],
    ['many classes', String.raw`\pL`.repeat(1_600)],
    ['nested repetitions', '(((a{1,10}){1,10}){1,10})'],
    ['1,000 repetitions of the longest', `(${'abcdefgh|'.repeat(20)}z){1000}`],
    ['more repetitions than fit', `(${'abcdefgh|'.repeat(400)}z){1000}`],
  ])('are compiled at once or refused: %s', (_, expression) => {
    let count = 0;
    expect(millisecondsOf(() => goRegexp(`${expression}${count++}`))).toBeLessThan(MAX_AWAY_MS);
  });
});

describe('a Secret', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `h${index}: v`).join('\n');
  it.each<[string, string]>([
    ['20,000 headers', lines(20_000)],
    ['as many headers as fit', lines(3_400)],
    ['lists in lists', `a: ${'['.repeat(32_000)}`],
    ['aliases', `a: &a b\n${Array.from({ length: 3_000 }, (_, index) => `h${index}: *a`).join('\n')}`],
    ['tabs', '\t: \n'.repeat(8_000)],
  ])('with %s', (_, text) => {
    expect(millisecondsOf(() => parseHeaders(text))).toBeLessThan(MAX_AWAY_MS);
  });

  it('of 2,000 keys in a file takes twice the time of one of 1,000', () => {
    const secret = (count: number) =>
      `apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n${lines(count).replaceAll(/^/gm, '  ')}\n`;
    readDocument(secret(2_000));
    const [small, large] = [500, 4_000].map((count) => millisecondsOf(() => readDocument(secret(count))));
    expect(large).toBeLessThan(3 * 8 * (small ?? 0));
  });
});
