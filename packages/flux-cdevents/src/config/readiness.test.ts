import { expect, it } from 'vitest';
import { createIssue } from '../diagnostics/issue.ts';
import type { ConfigSnapshot, UnreadPart } from './config-source.ts';
import { configReadiness } from './readiness.ts';

const part = (file: string, sinceMs: number): UnreadPart => ({
  problem: { ...createIssue('unreadable', ['file'], 'a readable file', 'EACCES'), place: { file } },
  sinceMs,
  mayHoldMore: false,
});
const reasonsAt = (now: number, unread: readonly UnreadPart[]) => {
  const snapshot: ConfigSnapshot = { alerts: [], providers: new Map(), problems: [], unread };
  return configReadiness({ snapshot: () => snapshot, waitsFor: () => [] }, () => now);
};

it('is ready while everything is known', () => {
  expect(reasonsAt(1e9, [])).toEqual([]);
});

it('is not ready before the first snapshot, with the reason of the source', () => {
  const source = { snapshot: () => undefined, waitsFor: () => ['Alerts are not read yet'] };
  expect(configReadiness(source)).toEqual(['Alerts are not read yet']);
});

it('is not ready once a part has been unknown for a minute, and names each such part', () => {
  const unread = [part('a.yaml', 1_000), part('b.yaml', 30_000)];
  expect(reasonsAt(60_999, unread)).toEqual([]);
  expect(reasonsAt(61_000, unread)).toEqual([
    'configuration unknown for 60 s: a.yaml: file: expected a readable file, found EACCES',
  ]);
  expect(reasonsAt(90_000, unread)).toHaveLength(2);
});
