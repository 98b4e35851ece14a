import { describe, expect, it } from 'vitest';
import { readEvents } from './read-events.ts';

const event = (name: string) => ({
  involvedObject: { kind: 'HelmRelease', namespace: 'apps', name },
  reason: 'InstallSucceeded',
  timestamp: '2026-11-24T07:48:28Z',
});
const [a, b] = [event('a'), event('b')].map((one) => JSON.stringify(one));
const summary = (input: string) =>
  readEvents(input, 'f', 0).map((read) => [read.where, 'event' in read ? read.event.involvedObject.name : read.error]);

describe('readEvents', () => {
  it.each([
    ['one document', a, [['f', 'a']]],
    ['a document over several lines', JSON.stringify(event('a'), undefined, 2), [['f', 'a']]],
    [
      'an array',
      `[${a},\n${b}]`,
      [
        ['f[0]', 'a'],
        ['f[1]', 'b'],
      ],
    ],
    [
      'JSON lines',
      `${a}\n${b}\n`,
      [
        ['f:1', 'a'],
        ['f:2', 'b'],
      ],
    ],
    [
      'JSON lines of Windows, with empty ones',
      `${a}\r\n\r\n${b}\r\n`,
      [
        ['f:1', 'a'],
        ['f:3', 'b'],
      ],
    ],
    ['nothing', ' \n', []],
    ['an empty array', '[]', []],
  ])('reads %s', (_, input, expected) => expect(summary(input ?? '')).toEqual(expected));

  it('continues after an invalid event, and reports its place', () => {
    const wrong = JSON.stringify({ ...event('x'), reason: '' });
    expect(summary(`${a}\n{"oops\n${wrong}\n${b}`)).toEqual([
      ['f:1', 'a'],
      ['f:2', expect.stringMatching(/^not JSON: /)],
      ['f:3', expect.stringMatching(/^reason: expected a Flux event/)],
      ['f:4', 'b'],
    ]);
  });

  it('speaks of the document when no line of it is JSON', () => {
    expect(summary('{\n"reason":\n')).toEqual([['f', expect.stringMatching(/^not JSON: /)]]);
  });
});
