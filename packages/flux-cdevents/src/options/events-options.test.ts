import { resolve } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { formatIssue } from '../diagnostics/format.ts';
import type { Issue } from '../diagnostics/issue.ts';
import { eventsFlags, resolveEventsOptions } from './events-options.ts';

const ID = 'spiffe://cluster.local/ns/flux-system/sa/helm-controller';

afterEach(() => vi.unstubAllEnvs());

function parse(...argv: string[]) {
  const command = new Command().exitOverride();
  for (const option of eventsFlags()) command.addOption(option);
  const issues: Issue[] = [];
  const options = resolveEventsOptions(command.parse(argv, { from: 'user' }).opts(), issues);
  return { options, issues: issues.map(formatIssue) };
}

describe('the events address', () => {
  it.each<[string, string[], ReturnType<typeof parse>['options']]>([
    ['nothing', [], { auth: { how: 'none' } }],
    ['a token', ['--events-auth', 'bearer-file:/t'], { auth: { how: 'bearer-file', file: '/t' } }],
    [
      'token review',
      ['--events-auth', 'token-review'],
      { auth: { how: 'token-review', audience: 'toolkit.fluxcd.io', serviceAccounts: [] } },
    ],
    [
      'token review of some',
      [
        ...['--events-auth', 'token-review', '--events-audience', 'mine'],
        ...['--events-authorized-service-account', 'flux/a', '--events-authorized-service-account', 'flux/b'],
      ],
      {
        auth: {
          how: 'token-review',
          audience: 'mine',
          serviceAccounts: [
            { namespace: 'flux', name: 'a' },
            { namespace: 'flux', name: 'b' },
          ],
        },
      },
    ],
    [
      'TLS',
      ['--events-tls-cert', 'c.pem', '--events-tls-key', 'k.pem'],
      { auth: { how: 'none' }, tls: { cert: resolve('c.pem'), key: resolve('k.pem'), spiffeIds: [] } },
    ],
    [
      'TLS for some clients',
      [
        ...['--events-tls-cert', '/c', '--events-tls-key', '/k', '--events-client-ca', '/ca'],
        ...['--events-authorized-spiffe-id', ID, '--events-authorized-spiffe-id', `${ID}2`],
      ],
      { auth: { how: 'none' }, tls: { cert: '/c', key: '/k', clientCa: '/ca', spiffeIds: [ID, `${ID}2`] } },
    ],
    [
      'forwarding',
      ['--forward-to', 'http://notification-controller.flux-system/'],
      { auth: { how: 'none' }, forwardTo: 'http://notification-controller.flux-system/' },
    ],
  ])('%s', (_, argv, expected) => expect(parse(...argv)).toEqual({ options: expected, issues: [] }));

  it('takes lists from the environment with commas', () => {
    vi.stubEnv('FLUX_CDEVENTS_EVENTS_AUTH', 'token-review');
    vi.stubEnv('FLUX_CDEVENTS_EVENTS_AUTHORIZED_SERVICE_ACCOUNT', 'flux/a, flux/b');
    expect(parse().options.auth).toMatchObject({ serviceAccounts: [{ name: 'a' }, { name: 'b' }] });
  });

  it.each<[string[], string]>([
    [['--events-auth', 'bearer'], '--events-auth: expected none, bearer-file:PATH or token-review, found bearer'],
    [
      ['--events-auth', 'bearer-file:'],
      '--events-auth: expected none, bearer-file:PATH or token-review, found bearer-file:',
    ],
    [
      ['--events-authorized-service-account', 'a/b'],
      '--events-authorized-service-account: expected --events-auth token-review beside it, found none',
    ],
    [
      ['--events-auth', 'token-review', '--events-authorized-service-account', 'b'],
      '--events-authorized-service-account: expected namespace/name, found b',
    ],
    [['--events-tls-cert', 'c'], '--events-tls-key: expected the key of --events-tls-cert, found nothing'],
    [['--events-tls-key', 'k'], '--events-tls-cert: expected the certificate of --events-tls-key, found nothing'],
    [
      ['--events-client-ca', 'ca'],
      '--events-tls-cert: expected a certificate, because --events-client-ca is set, found nothing',
    ],
    [
      ['--events-tls-cert', 'c', '--events-tls-key', 'k', '--events-authorized-spiffe-id', ID],
      '--events-client-ca: expected a file, because --events-authorized-spiffe-id is set, found nothing',
    ],
    [
      [
        ...['--events-tls-cert', 'c', '--events-tls-key', 'k', '--events-client-ca', 'ca'],
        ...['--events-authorized-spiffe-id', 'helm'],
      ],
      '--events-authorized-spiffe-id: expected a SPIFFE ID such as spiffe://cluster.local/ns/flux-system/sa/helm-controller, found helm',
    ],
    [['--forward-to', 'nc:80'], '--forward-to: expected an absolute http or https URL, found "nc:80"'],
    [
      ['--forward-to', 'http://me:s3cr3t@nc/'],
      '--forward-to: expected a URL without credentials, found one with credentials',
    ],
  ])('refuses %j', (argv, issue) => expect(parse(...argv).issues).toEqual([issue]));
});
