import { resolve } from 'node:path';
import type { Option } from 'commander';
import { type NamespacedName, parseName } from '../flux/object-ref.ts';
import { splitUrl, urlFault } from '../provider/endpoint/url.ts';
import { flag, listFlag, listOf, type RawOptions, textOf } from './flag.ts';

/** Who may post events, how, and where they go besides. */
export interface EventsOptions {
  readonly auth: EventsAuth;
  /** Absent: plain HTTP. */
  readonly tls?: EventsTls;
  /** The notification-controller that every event is passed on to. */
  readonly forwardTo?: string;
}

export type EventsAuth =
  | { readonly how: 'none' }
  /** The file holds the token, and is read again when it changes. */
  | { readonly how: 'bearer-file'; readonly file: string }
  | {
      readonly how: 'token-review';
      readonly audience: string;
      /** Those that may post; none: the controllers of Flux. */
      readonly serviceAccounts: readonly NamespacedName[];
    };

/** Paths of PEM files, read again when they change. */
export interface EventsTls {
  readonly cert: string;
  readonly key: string;
  /** Clients need a certificate of these authorities. */
  readonly clientCa?: string;
  /** Clients need one of these SPIFFE IDs; none: any certificate of the authorities does. */
  readonly spiffeIds: readonly string[];
}

export const eventsFlags = (): readonly Option[] => [
  flag('--events-auth <how>', 'who may post events: none, bearer-file:PATH, or token-review', 'none'),
  flag('--events-audience <name>', 'audience that tokens must be for, with token-review', 'toolkit.fluxcd.io'),
  listFlag(
    '--events-authorized-service-account <ns/name>',
    'ServiceAccount that may post events, with token-review (default: the Flux controllers in the own namespace)',
  ),
  flag('--events-tls-cert <file>', 'certificate of the events address, in PEM; read again when it changes'),
  flag('--events-tls-key <file>', 'its key'),
  flag('--events-client-ca <file>', 'authorities of client certificates, which are required then'),
  listFlag('--events-authorized-spiffe-id <id>', 'SPIFFE ID that a client certificate must have to post events'),
  flag('--forward-to <url>', 'notification-controller that every event is passed on to, unchanged and durably'),
];

const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** Adds to the issues what is wrong. */
export function resolveEventsOptions(raw: RawOptions, issues: string[]): EventsOptions {
  const forwardTo = forwardingOf(raw, issues);
  const tls = tlsOf(raw, issues);
  return { auth: authOf(raw, issues), ...(tls && { tls }), ...(forwardTo && { forwardTo }) };
}

function authOf(raw: RawOptions, issues: string[]): EventsAuth {
  const how = textOf(raw, 'events-auth') ?? 'none';
  const names = listOf(raw, 'events-authorized-service-account');
  const isReview = how === 'token-review';
  if (names.length > 0 && !isReview) {
    issues.push('--events-authorized-service-account: expected --events-auth token-review beside it');
  }
  if (isReview) {
    const serviceAccounts = names.flatMap((text) => {
      const name = parseName(text);
      if (!name) issues.push(`--events-authorized-service-account: expected namespace/name, found ${text}`);
      return name ? [name] : [];
    });
    return { how, audience: textOf(raw, 'events-audience') ?? 'toolkit.fluxcd.io', serviceAccounts };
  }
  const file = how.startsWith('bearer-file:') ? how.slice('bearer-file:'.length) : '';
  if (file !== '') return { how: 'bearer-file', file: resolve(file) };
  if (how !== 'none') issues.push(`--events-auth: expected none, bearer-file:PATH or token-review, found ${how}`);
  return { how: 'none' };
}

function tlsOf(raw: RawOptions, issues: string[]): EventsTls | undefined {
  const [cert, key, clientCa] = ['events-tls-cert', 'events-tls-key', 'events-client-ca'].map((name) =>
    textOf(raw, name),
  );
  const spiffeIds = listOf(raw, 'events-authorized-spiffe-id');
  if (cert && !key) issues.push('--events-tls-key: expected the key of --events-tls-cert, found nothing');
  if (!cert && key) issues.push('--events-tls-cert: expected the certificate of --events-tls-key, found nothing');
  if (clientCa && !cert && !key) {
    issues.push('--events-tls-cert: expected a certificate, because --events-client-ca is set; found nothing');
  }
  if (spiffeIds.length > 0 && !clientCa) {
    issues.push('--events-client-ca: expected a file, because --events-authorized-spiffe-id is set; found nothing');
  }
  for (const id of spiffeIds) {
    if (SPIFFE_ID.test(id)) continue;
    const expected = 'a SPIFFE ID such as spiffe://cluster.local/ns/flux-system/sa/helm-controller';
    issues.push(`--events-authorized-spiffe-id: expected ${expected}, found ${id}`);
  }
  if (!cert || !key) return undefined;
  return { cert: resolve(cert), key: resolve(key), ...(clientCa && { clientCa: resolve(clientCa) }), spiffeIds };
}

function forwardingOf(raw: RawOptions, issues: string[]): string | undefined {
  const url = textOf(raw, 'forward-to');
  if (url === undefined) return undefined;
  const wrong = urlFault(url);
  if (wrong) {
    issues.push(`--forward-to: expected ${wrong.expected}, found ${wrong.found}`);
    return undefined;
  }
  if (splitUrl(url).username === undefined) return url;
  issues.push('--forward-to: expected a URL without credentials');
  return undefined;
}
