import { describe, expect, it } from 'vitest';
import { serveDefaults } from '../../test/helpers/running-app.ts';
import { type RawOptions, resolveServeOptions } from './serve-options.ts';

/** All that is wrong with the flags. */
function issuesOf(flags: RawOptions): readonly string[] {
  try {
    resolveServeOptions({ ...serveDefaults('/nowhere'), ...flags });
    return [];
  } catch (error) {
    return (error as Error).message.split('\n');
  }
}

describe('the address of the API', () => {
  it.each(['127.0.0.1:9393', '127.0.0.1:0', '127.8.8.8:9393', '[::1]:0', 'localhost:9393', 'localhost:0'])(
    '%s needs no token',
    (uiAddr) => expect(issuesOf({ uiAddr })).toEqual([]),
  );

  it.each([
    ...[':0', ':9393', '0.0.0.0:0', '0.0.0.0:9393', '[::]:0', '[::]:9393', '[::ffff:0.0.0.0]:0', '10.0.0.7:0'],
    ...['[fe80::1]:0', 'ui.example:0', 'ui.example:9393', 'localhost.example:0', '127.0.0.1.example:0'],
  ])('%s needs a token', (uiAddr) => {
    expect(issuesOf({ uiAddr })).toEqual([
      `--ui-token-file: expected a file with a token, because --ui-addr ${uiAddr} is not loopback, found nothing`,
    ]);
    expect(issuesOf({ uiAddr, uiTokenFile: '/token' })).toEqual([]);
  });
});

it.each(['eventsAddr', 'metricsAddr', 'healthAddr', 'uiAddr'])('%s that is no address is the only issue', (name) => {
  const flag = name.replace('Addr', '-addr');
  expect(issuesOf({ [name]: 'nowhere' })).toEqual([`--${flag}: expected an address such as :9090, found nowhere`]);
  expect(issuesOf({ [name]: '' })).toEqual([`--${flag}: expected an address such as :9090, found nothing`]);
});

it.each(['rateLimitInterval', 'deliveredRetention', 'deadLetterRetention', 'deliveredLimit', 'concurrent'])(
  '%s that is empty is not 0',
  (name) => expect(issuesOf({ [name]: '' })).toEqual([expect.stringMatching(/: expected .+, found nothing$/)]),
);
