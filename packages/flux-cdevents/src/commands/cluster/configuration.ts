import {
  assembleSnapshot,
  configMapsNeeded,
  inNamespaceOf,
  isDelivered,
  secretsNeeded,
} from '../../config/assemble.ts';
import type { ConfigSnapshot } from '../../config/config-source.ts';
import {
  locateNotification,
  type ObjectState,
  type ProviderState,
  readAlert,
  readProvider,
} from '../../config/kubernetes/notification-objects.ts';
import { describeFound } from '../../diagnostics/describe.ts';
import {
  createIssue,
  type Issue,
  type ObjectName,
  type Parsed,
  reportedObject,
  withOwner,
} from '../../diagnostics/issue.ts';
import type { Alert } from '../../flux/alert.ts';
import { type ConfigMap, parseConfigMap } from '../../flux/config-map.ts';
import { type NamespacedName, nameOf, parseName } from '../../flux/object-ref.ts';
import type { Provider } from '../../flux/provider.ts';
import { parseSecret, type Secret } from '../../flux/secret.ts';
import { type Discovery, objectPath, resourcePath } from '../../kube-api/discovery.ts';
import { mappingReader } from '../../mapping/file/read-mapping.ts';
import { handledTypesWith } from '../../provider/provider.ts';
import { OPTION_PREFIX } from '../../provider/provider-options.ts';
import { isWebhookOnly, WEBHOOK_ANNOTATIONS } from '../../provider/webhook-provider.ts';
import { type Asked, ask, askAll, mapLimited } from './ask.ts';
import { type Area, type Bad, bad } from './finding.ts';
import type { Settings } from './installation.ts';

/** A Secret or a ConfigMap that a Provider names. */
export type ReadResult<T> =
  | { readonly status: 'found'; readonly value: T }
  | { readonly status: 'absent' }
  | { readonly status: 'malformed'; readonly issue: Issue }
  /** The caller may not read it; the controller may all the same. */
  | { readonly status: 'refused'; readonly why: string };

export interface NamedReading<T extends ObjectState<unknown>> {
  readonly name: NamespacedName;
  readonly reading: T;
}

/** The configuration objects of a cluster. */
export interface ClusterObjects {
  readonly alerts: readonly NamedReading<ObjectState<Alert>>[];
  readonly providers: readonly NamedReading<ProviderState>[];
  /** By `namespace/name`. */
  readonly secrets: ReadonlyMap<string, ReadResult<Secret>>;
  /** By `namespace/name`. */
  readonly configMaps: ReadonlyMap<string, ReadResult<ConfigMap>>;
  /** The lists that could not be read. */
  readonly unread: readonly Bad[];
}

export type ReadSettings = Pick<Settings, 'forwards' | 'noCrossNamespaceRefs'> & {
  /** @default all namespaces */
  readonly namespace?: string | undefined;
};

/** Reads Alerts, Providers, and the Secrets and ConfigMaps that Providers name. */
export async function readObjects(api: Asked, discovery: Discovery, settings: ReadSettings): Promise<ClusterObjects> {
  const unread: Bad[] = [];
  const read = async <T extends ObjectState<unknown>>(
    kind: 'Alert' | 'Provider',
    parse: (document: object) => T,
  ): Promise<NamedReading<T>[]> => {
    const served = await locateNotification(discovery, kind);
    if (!served) return []; // what is not served is said elsewhere
    const listed = await askAll(api, resourcePath(served, settings.namespace));
    if ('status' in listed) {
      unread.push(
        bad('error', `${kind}s`, {
          code: 'unreadable',
          object: { kind: `${kind}s` },
          path: ['list'],
          expected: `all ${served.resource}`,
          found: listed.status === 'absent' ? 'nothing' : listed.why,
          fix: `run the check as a user who may list ${served.resource}`,
        }),
      );
      return [];
    }
    return listed.map((document) => {
      const { metadata } = document as { readonly metadata: NamespacedName };
      const { apiVersion, kind } = served;
      return { name: metadata, reading: parse({ ...document, apiVersion, kind }) };
    });
  };
  const alerts = await read('Alert', (document) => readAlert(document, undefined));
  const providers = await read('Provider', (document) => readProvider(document, undefined));
  const good = providers.flatMap(({ reading }) => reading.good ?? []);
  const secrets = await readNamed(
    api,
    'secrets',
    good.flatMap((one) => secretsOf(one, settings)),
    parseSecret,
  );
  const configMaps = await readNamed(
    api,
    'configmaps',
    good.flatMap((one) => configMapsOf(one, settings)),
    parseConfigMap,
  );
  return { alerts, providers, secrets, configMaps, unread };
}

const secretsOf = (provider: Provider, settings: ReadSettings) =>
  inNamespaceOf(provider, secretsNeeded(provider, handledTypesWith(settings.forwards)));
const configMapsOf = (provider: Provider, settings: ReadSettings) =>
  inNamespaceOf(provider, configMapsNeeded(provider, handledTypesWith(settings.forwards)));

/** Each object once, by `namespace/name`. */
async function readNamed<T>(
  api: Asked,
  resource: 'secrets' | 'configmaps',
  names: readonly NamespacedName[],
  parse: (document: unknown) => Parsed<T>,
): Promise<ReadonlyMap<string, ReadResult<T>>> {
  const distinct = new Map(names.map((name) => [nameOf(name), name]));
  const read = async (name: NamespacedName): Promise<ReadResult<T>> => {
    const answer = await ask(api, objectPath({ apiVersion: 'v1', resource }, name));
    if (answer.status !== 'found') return answer;
    const { value, issues } = parse(answer.body);
    return value ? { status: 'found', value } : { status: 'malformed', issue: issues[0] as Issue };
  };
  return new Map(await mapLimited([...distinct], 8, async ([key, name]) => [key, await read(name)] as const));
}

/** The object of an answer, if it has one. */
const found = <T>(answers: ReadonlyMap<string, ReadResult<T>>, name: NamespacedName): T | undefined => {
  const answer = answers.get(nameOf(name));
  return answer?.status === 'found' ? answer.value : undefined;
};

export interface Configuration {
  /** Without the Providers that could not be checked. */
  readonly snapshot: ConfigSnapshot;
  readonly findings: readonly Bad[];
}

/** Resolves these objects as the controller would, and lists their issues. Pure. */
export function judgeObjects(objects: ClusterObjects, settings: ReadSettings): Configuration {
  const findings: Bad[] = [...objects.unread];
  const problems: Issue[] = [];
  const providers: Provider[] = [];
  for (const { name, reading } of objects.providers) {
    for (const issue of reading.issues) problems.push(withOwner(ownerOf(name), issue));
    if (!reading.good) continue;
    const hidden = [
      ...refusedAmong('Secret', secretsOf(reading.good, settings), objects.secrets),
      ...refusedAmong('ConfigMap', configMapsOf(reading.good, settings), objects.configMaps),
    ];
    for (const { object, why } of hidden) {
      findings.push(
        bad('warning', 'Providers', {
          code: 'unreadable',
          object,
          affects: ownerOf(name),
          path: [],
          expected: 'to be readable',
          found: `no answer: ${why}`,
          fix: `run the check as a user who may get this ${object.kind}`,
        }),
      );
    }
    if (hidden.length === 0) providers.push(reading.good);
  }
  problems.push(...malformedAmong('Secret', objects.secrets), ...malformedAmong('ConfigMap', objects.configMaps));
  for (const { name, reading } of objects.alerts) {
    for (const issue of reading.issues) problems.push(withOwner({ kind: 'Alert', ...name }, issue));
  }
  const there = new Set(objects.providers.map(({ name }) => nameOf(name)));
  const snapshot = assembleSnapshot({
    alerts: objects.alerts.flatMap(({ reading }) => reading.good ?? []),
    providers,
    invalidProviders: objects.providers.flatMap(({ reading }) => reading.invalid ?? []),
    problems,
    unread: [],
    noCrossNamespaceRefs: settings.noCrossNamespaceRefs,
    handledTypes: handledTypesWith(settings.forwards),
    secret: (name) => found(objects.secrets, name),
    configMap: (name) => found(objects.configMaps, name),
    readMapping: mappingReader,
    isUnreadable: (provider) => there.has(nameOf(provider)),
    labelsKnown: () => true,
    placeOf: () => undefined,
  });
  for (const issue of snapshot.problems) {
    const area: Area = reportedObject(issue)?.kind === 'Alert' ? 'Alerts' : 'Providers';
    findings.push(toFinding(area, issue));
  }
  const delivered = providers.filter((provider) => isDelivered(provider, handledTypesWith(settings.forwards)));
  for (const provider of delivered) findings.push(...uselessSecret(provider, objects), ...otherWebhook(provider));
  return { snapshot, findings };
}

const malformedAmong = (kind: string, answers: ReadonlyMap<string, ReadResult<unknown>>): Issue[] =>
  [...answers].flatMap(([key, answer]) =>
    answer.status === 'malformed' ? [withOwner({ kind, ...parseName(key) }, answer.issue)] : [],
  );

const toFinding = (area: Area, issue: Issue): Bad => bad(issue.severity, area, { ...issue, fix: fixFor(issue) });

function refusedAmong(
  kind: string,
  names: readonly NamespacedName[],
  answers: ReadonlyMap<string, ReadResult<unknown>>,
) {
  return names.flatMap((name) => {
    const answer = answers.get(nameOf(name));
    return answer?.status === 'refused' ? [{ object: { kind, ...name }, why: answer.why }] : [];
  });
}

const SECRET_KEYS = ['token', 'username', 'password', 'headers', 'address', 'hmacKey', 'proxy'];

/** A Secret without any key that is read: perhaps the key is misspelt, and requests go without credentials. */
function uselessSecret({ metadata, spec }: Provider, { secrets }: ClusterObjects): readonly Bad[] {
  const name = spec.secretRef?.name;
  const { namespace } = metadata;
  const answer = name === undefined ? undefined : secrets.get(nameOf({ namespace, name }));
  if (spec.type !== 'cdevents' || answer?.status !== 'found') return [];
  const keys = Object.keys(answer.value.data);
  if (keys.some((key) => SECRET_KEYS.includes(key))) return [];
  const found = keys.length === 0 ? 'no keys' : `only ${keys.map(describeFound).join(', ')}`;
  const issue = createIssue('missing', [], `one of ${SECRET_KEYS.join(', ')}`, found);
  const object: ObjectName = { kind: 'Secret', ...answer.value.metadata, ...(name !== undefined && { name }) };
  return [toFinding('Providers', withOwner(ownerOf(metadata), { ...issue, object }))];
}

/** A webhook Provider that posts to the path of another Provider: its signature would be checked with another key. */
function otherWebhook(provider: Provider): readonly Bad[] {
  const { metadata, spec } = provider;
  const path = `/webhook/${nameOf(metadata)}`;
  const { address = '' } = spec;
  if (!isWebhookOnly(provider) || !URL.canParse(address)) return [];
  const { pathname } = new URL(address);
  if (pathname.replace(/\/$/, '').endsWith(path)) return [];
  const expected = `a path that ends with ${path}`;
  const issue = createIssue('conflict', ['spec', 'address'], expected, describeFound(pathname));
  return [toFinding('Providers', withOwner(ownerOf(metadata), issue))];
}

const ownerOf = ({ namespace, name }: NamespacedName): ObjectName => ({ kind: 'Provider', namespace, name });

/** What to do about an issue of the configuration. */
function fixFor(issue: Issue): string {
  const { kind = '', namespace = '', name = '' } = reportedObject(issue) ?? {};
  const [section, field, annotation] = issue.path;
  if (issue.affects && issue.object?.kind === 'Secret') {
    return `kubectl -n ${namespace} edit secret ${issue.object.name}; its keys: docs/options.md, Secrets of a Provider`;
  }
  if (issue.affects && issue.object?.kind === 'ConfigMap') {
    return `kubectl -n ${namespace} edit configmap ${issue.object.name}; its rules: docs/mapping.md`;
  }
  const isReference = section === 'spec' && ['secretRef', 'certSecretRef', 'proxySecretRef'].includes(String(field));
  if (isReference || annotation === WEBHOOK_ANNOTATIONS.secret) {
    return `kubectl -n ${namespace} create secret generic …; its keys: docs/options.md, Secrets of a Provider`;
  }
  if (annotation === `${OPTION_PREFIX}mapping`) {
    return `kubectl -n ${namespace} create configmap … --from-file=mapping.yaml; its rules: docs/mapping.md`;
  }
  if (section === 'metadata' && field === 'annotations') {
    return `kubectl -n ${namespace} edit provider ${name}; its annotations: docs/options.md, Annotations of a Provider`;
  }
  if (section === 'spec' && field === 'providerRef') {
    return 'create the Provider, or name one that exists: kubectl get providers -A';
  }
  return `kubectl -n ${namespace} edit ${kind.toLowerCase()} ${name}`;
}
