import { join, resolve } from 'node:path';
import type { Option } from 'commander';
import { formatIssue } from '../diagnostics/format.ts';
import type { Issue } from '../diagnostics/issue.ts';
import { FluxCDEventsError } from '../errors.ts';
import { parseGoDuration } from '../lib/go-duration.ts';
import type { LogEncoding, LogLevel } from '../observe/log.ts';
import type { Retention } from '../outbox/outbox.ts';
import { sourceExpectation } from '../provider/provider-options.ts';
import { type Address, isLoopbackAddress, parseAddress } from './address.ts';
import { type EventsOptions, eventsFlags, resolveEventsOptions } from './events-options.ts';
import { flagIssue, type RawOptions, serveFlag, textOf } from './flag.ts';
import { type KubernetesOptions, kubernetesFlags, resolveKubernetesOptions } from './kubernetes-options.ts';
import { switchFlag, switchOf } from './switch.ts';

export type { RawOptions } from './flag.ts';

/** How the controller runs, from flags and environment variables that were checked. */
export interface ServeOptions {
  /** Folder of YAML files; absent in Kubernetes mode. */
  readonly config?: string;
  /** Absent in files mode. */
  readonly kubernetes?: KubernetesOptions;
  /** Path of the SQLite file. */
  readonly storePath: string;
  readonly eventsAddr: Address;
  readonly metricsAddr: Address;
  readonly healthAddr: Address;
  readonly uiAddr: Address;
  /** File with the bearer token of the API; read again when it changes. */
  readonly uiTokenFile?: string;
  readonly events: EventsOptions;
  readonly rateLimitIntervalMs: number;
  readonly noCrossNamespaceRefs: boolean;
  readonly exportHttpPathMetrics: boolean;
  readonly logLevel: LogLevel;
  readonly logEncoding: LogEncoding;
  readonly cluster?: string;
  /** Template of `context.source`. */
  readonly source?: string;
  /** Deliveries in flight per Provider. */
  readonly concurrent: number;
  readonly retention: Retention;
}

/** The flags of `serve`, spelled as the Flux controllers spell theirs. */
export const serveFlags = (): readonly Option[] => [
  serveFlag('--config <dir>', 'folder of YAML with Providers, Alerts, Secrets and ConfigMaps; watched'),
  ...kubernetesFlags(),
  serveFlag('--data-dir <dir>', 'folder of the store', 'flux-cdevents-data'),
  serveFlag('--store <url>', 'the durable store: sqlite:PATH (default: outbox.db in the data dir)'),
  serveFlag('--events-addr <addr>', 'address of the event endpoint, to which Flux posts', ':9090'),
  serveFlag('--metrics-addr <addr>', 'address of /metrics', ':8080'),
  serveFlag('--health-addr <addr>', 'address of /healthz and /readyz', ':9440'),
  serveFlag('--ui-addr <addr>', 'address of the API', '127.0.0.1:9393'),
  serveFlag(
    '--ui-token-file <file>',
    'file with the bearer token of the API; required unless --ui-addr is a loopback address',
  ),
  ...eventsFlags(),
  serveFlag('--rate-limit-interval <duration>', 'how long the same event counts as a duplicate', '5m'),
  switchFlag('--no-cross-namespace-refs', 'Alerts select objects of their own namespace only'),
  switchFlag('--export-http-path-metrics', 'label HTTP metrics with the path of the route, others with "other"'),
  serveFlag('--log-level <level>', 'debug, info or error', 'info'),
  serveFlag('--log-encoding <encoding>', 'json or console', 'json'),
  serveFlag('--cluster <name>', 'name of this cluster in sources, environments and ids'),
  serveFlag(
    '--source <template>',
    'context.source; {cluster} {reportingController} {namespace} {name} {kind} are replaced',
  ),
  serveFlag('--concurrent <n>', 'deliveries in flight per Provider', '16'),
  serveFlag('--delivered-retention <duration>', 'how long delivered entries are kept', '24h'),
  serveFlag('--delivered-limit <n>', 'maximum number of delivered entries to keep', '100000'),
  serveFlag('--dead-letter-retention <duration>', 'how long dead letters are kept', '720h'),
];

/**
 * Checks every option and reports everything that is wrong at once.
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID`
 */
export function resolveServeOptions(raw: RawOptions): ServeOptions {
  const issues: Issue[] = [];
  const text = (name: string) => textOf(raw, name);
  const read = <T>(name: string, parse: (value: string) => T | undefined, expected: string, fallback: T): T => {
    const value = text(name);
    if (value === undefined) return fallback;
    const parsed = parse(value);
    if (parsed === undefined) issues.push(flagIssue(name, expected, value));
    return parsed ?? fallback;
  };
  /** Such a flag has a default, which the empty text is not: an empty environment variable must not mean 0. */
  const needed = <T>(name: string, parse: (value: string) => T | undefined, expected: string, fallback: T): T => {
    if (text(name) === undefined) issues.push(flagIssue(name, expected, 'nothing'));
    return read(name, parse, expected, fallback);
  };
  const address = (name: string) => needed(name, parseAddress, 'an address such as :9090', NOWHERE);
  const duration = (name: string) => needed(name, positiveDuration, 'a duration such as 5m', 0);
  const count = (name: string) => needed(name, positiveInteger, 'a whole number from 1', 1);
  const oneOf = <T extends string>(name: string, values: readonly T[], fallback: T): T =>
    read(name, (value) => values.find((one) => one === value), values.join(' or '), fallback);
  const boolean = (name: string) => switchOf(raw, name, issues);

  const config = text('config');
  const kubernetes = resolveKubernetesOptions(raw, issues);
  if (config === undefined && !kubernetes) {
    issues.push(flagIssue('config', 'a folder with Providers and Alerts (or --kubernetes)', 'nothing', 'missing'));
  }
  if (config !== undefined && kubernetes)
    issues.push(flagIssue('config', 'nothing beside --kubernetes', config, 'conflict'));
  const storePath = read(
    'store',
    (url) => (url.startsWith('sqlite:') && url.length > 'sqlite:'.length ? url.slice('sqlite:'.length) : undefined),
    'sqlite:PATH (other stores come in a later version)',
    join(text('data-dir') ?? '.', 'outbox.db'),
  );
  const uiAddr = address('ui-addr');
  const uiTokenFile = text('ui-token-file');
  if (!uiTokenFile && uiAddr !== NOWHERE && !isLoopbackAddress(uiAddr)) {
    const expected = `a file with a token, because --ui-addr ${text('ui-addr')} is not loopback`;
    issues.push(flagIssue('ui-token-file', expected, 'nothing', 'missing'));
  }
  const cluster = text('cluster');
  const source = text('source');
  const expectedSource = source && sourceExpectation(source);
  if (expectedSource) issues.push(flagIssue('source', expectedSource, source));
  const options: ServeOptions = {
    ...(kubernetes ? { kubernetes } : { config: resolve(config ?? '.') }),
    storePath: resolve(storePath),
    eventsAddr: address('events-addr'),
    metricsAddr: address('metrics-addr'),
    healthAddr: address('health-addr'),
    uiAddr,
    ...(uiTokenFile && { uiTokenFile: resolve(uiTokenFile) }),
    events: resolveEventsOptions(raw, issues),
    rateLimitIntervalMs: duration('rate-limit-interval'),
    noCrossNamespaceRefs: boolean('no-cross-namespace-refs'),
    exportHttpPathMetrics: boolean('export-http-path-metrics'),
    logLevel: oneOf('log-level', ['debug', 'info', 'error'], 'info'),
    logEncoding: oneOf('log-encoding', ['json', 'console'], 'json'),
    ...(cluster && { cluster }),
    ...(source && { source }),
    concurrent: count('concurrent'),
    retention: {
      deliveredMs: duration('delivered-retention'),
      deliveredCount: count('delivered-limit'),
      deadLetterMs: duration('dead-letter-retention'),
      memoryMs: MEMORY_RETENTION_MS,
    },
  };
  if (issues.length > 0) throw new FluxCDEventsError('FCE_OPTION_INVALID', issues.map(formatIssue).join('\n'));
  return options;
}

/** Stands for an address that cannot be read, which is an issue. */
const NOWHERE: Address = { host: '127.0.0.1', port: 0 };

/** How long an object without events is remembered, with its chain and the revision that was announced. */
const MEMORY_RETENTION_MS = 90 * 24 * 60 * 60 * 1000;

const positiveInteger = (value: string): number | undefined =>
  /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined;

const positiveDuration = (value: string): number | undefined => {
  const ms = parseGoDuration(value);
  return ms === undefined || ms < 0 ? undefined : ms;
};
