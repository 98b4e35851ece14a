import { afterEach, describe, expect, it } from 'vitest';
import { createLongMatches, type LongMatches } from './long-matches.ts';

const open: LongMatches[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
const someLongMatches = (options: Parameters<typeof createLongMatches>[0] = {}) => {
  const matches = createLongMatches(options);
  open.push(matches);
  return matches;
};

/** Takes a minute and more with the message. */
const slow = '(?:[a-m][a-z]{100}|[n-z][a-z]{200}){2}[0-9]';
const message = Array.from({ length: 2_000_000 }, (_, at) =>
  String.fromCharCode(97 + (((at * 7919) ^ (at >> 3)) % 26)),
).join('');

describe('matching in another thread', () => {
  it('finds what matching on the spot finds', async () => {
    const verdicts = await someLongMatches({ limitMs: 60_000 }).match('it failed', ['fail', 'succeed', '(', 'ed$']);
    expect([...verdicts]).toEqual([
      ['fail', true],
      ['succeed', false],
      ['(', false],
      ['ed$', true],
    ]);
  });

  it('gives up after its limit, and goes on with the next message', async () => {
    const matches = someLongMatches({ limitMs: 3_000 });
    const verdicts = await matches.match(message, [slow, 'never reached']);
    expect([...verdicts]).toEqual([
      [slow, undefined],
      ['never reached', undefined],
    ]);
    expect((await matches.match('it failed', ['fail'])).get('fail')).toBe(true);
  });

  it('starts again after its thread had nothing to do', async () => {
    const matches = someLongMatches({ limitMs: 60_000, idleMs: 0 });
    expect((await matches.match('it failed', ['fail'])).get('fail')).toBe(true);
    expect((await matches.match('it failed', ['fail'])).get('fail')).toBe(true);
  });

  it('is over at once when it is closed', async () => {
    const matches = createLongMatches({ limitMs: 60_000 });
    const verdicts = matches.match(message, [slow]);
    await matches.close();
    expect((await verdicts).get(slow)).toBeUndefined();
  });
});
