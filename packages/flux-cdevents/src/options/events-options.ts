import { resolve } from 'node:path';
import type { Option } from 'commander';
import type { Issue } from '../diagnostics/issue.ts';
import { type NamespacedName, parseName } from '../flux/object-ref.ts';
import { splitUrl, urlFault } from '../provider/endpoint/url.ts';
import { flagIssue, listFlag, listOf, type RawOptions, serveFlag, textOf } from './flag.ts';

/** Who may post events, over which connections, and where else events are sent. */
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
      /** The ServiceAccounts that may post. Empty: the Flux controllers. */
      readonly serviceAccounts: readonly NamespacedName[];
    };

/** Paths of PEM files, read again when they change. */
export interface EventsTls {
  readonly cert: string;
  readonly key: string;
  /** Clients need a certificate from one of these authorities. */
  readonly clientCa?: string;
  /** Clients need one of these SPIFFE IDs. Empty: any certificate from the authorities is accepted. */
  readonly spiffeIds: readonly string[];
}

export const eventsFlags = (): readonly Option[] => [
  serveFlag('--events-auth <how>', 'who may post events: none, bearer-file:PATH, or token-review', 'none'),
  serveFlag('--events-audience <name>', 'audience that tokens must have, with token-review', 'toolkit.fluxcd.io'),
  listFlag(
    '--events-authorized-service-account <ns/name>',
    'ServiceAccount that may post events, with token-review (default: the Flux controllers in the namespace of flux-cdevents)',
  ),
  serveFlag('--events-tls-cert <file>', 'certificate of the events address, in PEM; read again when it changes'),
  serveFlag('--events-tls-key <file>', 'its key'),
  serveFlag('--events-client-ca <file>', 'require client certificates from the authorities in this file'),
  listFlag('--events-authorized-spiffe-id <id>', 'SPIFFE ID that a client certificate must have to post events'),
  serveFlag('--forward-to <url>', 'pass every event on to this notification-controller, unchanged and durably'),
];

const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** Adds an issue for each option that is wrong. */
export function resolveEventsOptions(raw: RawOptions, issues: Issue[]): EventsOptions {
  const forwardTo = forwardingOf(raw, issues);
  const tls = tlsOf(raw, issues);
  return { auth: authOf(raw, issues), ...(tls && { tls }), ...(forwardTo && { forwardTo }) };
}

function authOf(raw: RawOptions, issues: Issue[]): EventsAuth {
  const how = textOf(raw, 'events-auth') ?? 'none';
  const names = listOf(raw, 'events-authorized-service-account');
  const isReview = how === 'token-review';
  if (names.length > 0 && !isReview) {
    issues.push(
      flagIssue('events-authorized-service-account', '--events-auth token-review beside it', how, 'conflict'),
    );
  }
  if (isReview) {
    const serviceAccounts = names.flatMap((text) => {
      const name = parseName(text);
      if (!name) issues.push(flagIssue('events-authorized-service-account', 'namespace/name', text));
      return name ? [name] : [];
    });
    return { how, audience: textOf(raw, 'events-audience') ?? 'toolkit.fluxcd.io', serviceAccounts };
  }
  const file = how.startsWith('bearer-file:') ? how.slice('bearer-file:'.length) : '';
  if (file !== '') return { how: 'bearer-file', file: resolve(file) };
  if (how !== 'none') issues.push(flagIssue('events-auth', 'none, bearer-file:PATH or token-review', how));
  return { how: 'none' };
}

function tlsOf(raw: RawOptions, issues: Issue[]): EventsTls | undefined {
  const [cert, key, clientCa] = ['events-tls-cert', 'events-tls-key', 'events-client-ca'].map((name) =>
    textOf(raw, name),
  );
  const spiffeIds = listOf(raw, 'events-authorized-spiffe-id');
  const missing = (name: string, expected: string) => issues.push(flagIssue(name, expected, 'nothing', 'missing'));
  if (cert && !key) missing('events-tls-key', 'the key of --events-tls-cert');
  if (!cert && key) missing('events-tls-cert', 'the certificate of --events-tls-key');
  if (clientCa && !cert && !key) {
    missing('events-tls-cert', 'a certificate, because --events-client-ca is set');
  }
  if (spiffeIds.length > 0 && !clientCa) {
    missing('events-client-ca', 'a file, because --events-authorized-spiffe-id is set');
  }
  for (const id of spiffeIds) {
    if (SPIFFE_ID.test(id)) continue;
    const expected = 'a SPIFFE ID such as spiffe://cluster.local/ns/flux-system/sa/helm-controller';
    issues.push(flagIssue('events-authorized-spiffe-id', expected, id));
  }
  if (!cert || !key) return undefined;
  return { cert: resolve(cert), key: resolve(key), ...(clientCa && { clientCa: resolve(clientCa) }), spiffeIds };
}

function forwardingOf(raw: RawOptions, issues: Issue[]): string | undefined {
  const url = textOf(raw, 'forward-to');
  if (url === undefined) return undefined;
  const wrong = urlFault(url);
  if (wrong) {
    issues.push(flagIssue('forward-to', wrong.expected, wrong.found));
    return undefined;
  }
  if (splitUrl(url).username === undefined) return url;
  issues.push(flagIssue('forward-to', 'a URL without credentials', 'one with credentials'));
  return undefined;
}
