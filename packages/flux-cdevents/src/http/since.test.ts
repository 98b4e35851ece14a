import { expect, it } from 'vitest';
import { parseSince } from './since.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');

it.each([
  ['2h', '2026-11-24T10:00:00.000Z'],
  ['90s', '2026-11-24T11:58:30.000Z'],
  ['7d', '2026-11-17T12:00:00.000Z'],
  ['2026-11-24T07:48:28Z', '2026-11-24T07:48:28.000Z'],
  ['2026-11-24T08:48:28+01:00', '2026-11-24T07:48:28.000Z'],
])('%s → %s', (text, instant) => expect(new Date(parseSince(text, NOW)).toISOString()).toBe(instant));

it.each(['', '7', 'yesterday', '-2h', '2026-11-24', '2h ago', '2x'])('%j is refused', (text) =>
  expect(() => parseSince(text, NOW)).toThrow(expect.objectContaining({ code: 'FCE_OPTION_INVALID' })),
);
