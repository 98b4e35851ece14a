import { type ConfigSnapshot, configNotLoaded } from '../config/config-source.ts';
import { toRecord } from '../diagnostics/format.ts';
import type { Issue } from '../diagnostics/issue.ts';
import type { Alert } from '../flux/alert.ts';
import { toFluxEvent } from '../flux/event.ts';
import { nameOf } from '../flux/object-ref.ts';
import { mask } from '../observe/mask.ts';
import { ENTRY_STATES } from '../outbox/entry.ts';
import type { ProviderStats } from '../outbox/inspection.ts';
import type { StandingStop } from '../outbox/work-queue.ts';
import type { ReadyProvider, ResolvedProvider } from '../provider/provider.ts';
import type { ApiServerDeps } from './api-deps.ts';
import {
  type AlertInfo,
  AlertsAnswer,
  ErrorAnswer,
  ProblemsAnswer,
  type ProviderInfo,
  ProviderParams,
  ProvidersAnswer,
  SendAnswer,
  SendRequest,
} from './api-types.ts';
import type { TypedServer } from './typebox-routes.ts';

/** `/providers`, `/alerts` and `/problems`: the configuration in force, and sending test events. */
export function configRoutes(api: TypedServer, { outbox, snapshot, send, now }: ApiServerDeps): void {
  const tags = ['configuration'];
  const loaded = (): ConfigSnapshot => {
    const current = snapshot();
    if (!current) throw configNotLoaded();
    return current;
  };

  api.route({
    method: 'GET',
    url: '/providers',
    schema: {
      tags,
      operationId: 'listProviders',
      summary: 'Providers with their state and their entries',
      description: 'The answer contains no secrets and no addresses that come from a Secret.',
      response: { 200: ProvidersAnswer, default: ErrorAnswer },
    },
    handler: async () => {
      const { providers } = loaded();
      const [stats, stops] = await Promise.all([outbox.stats(), outbox.stops()]);
      const statsOf = new Map(stats.map((one) => [nameOf(one.provider), one]));
      const stopOf = new Map(stops.map((one) => [nameOf(one.provider), one]));
      const gone = stats.filter(({ provider, counts }) => {
        return !providers.has(nameOf(provider)) && ENTRY_STATES.some((state) => counts[state] > 0);
      });
      const at = now();
      const infos = [
        ...[...providers.values()].map((one) => {
          const name = nameOf(one.ref);
          return toInfo(one, statsOf.get(name), stopOf.get(name), at);
        }),
        ...gone.map((one) => missing(one, at)),
      ];
      return { providers: infos.sort((a, b) => nameOf(a).localeCompare(nameOf(b), 'en')) };
    },
  });

  api.route({
    method: 'GET',
    url: '/alerts',
    schema: {
      tags,
      operationId: 'listAlerts',
      summary: 'Alerts in force',
      response: { 200: AlertsAnswer, default: ErrorAnswer },
    },
    handler: async () => ({ alerts: loaded().alerts.map(toAlertInfo) }),
  });

  api.route({
    method: 'GET',
    url: '/problems',
    schema: {
      tags,
      operationId: 'listProblems',
      summary: 'Problems of the configuration',
      response: { 200: ProblemsAnswer, default: ErrorAnswer },
    },
    handler: async () => ({ problems: loaded().problems.map(toRecord) }),
  });

  api.route({
    method: 'POST',
    url: '/providers/:namespace/:name/send',
    schema: {
      tags,
      operationId: 'sendTestEvent',
      summary: 'Send a test event through a Provider',
      description:
        'Without `event`, the test event is about the HelmRelease flux-cdevents-test. It passes through mapping, outbox and delivery like any event, without an Alert.',
      params: ProviderParams,
      body: SendRequest,
      response: { 202: SendAnswer, default: ErrorAnswer },
    },
    handler: async ({ params: { namespace, name }, body: { reason, event } }, reply) => {
      const answer = await send(
        { namespace, name },
        {
          ...(reason !== undefined && { reason }),
          ...(event !== undefined && { event: toFluxEvent(event, now()) }),
        },
      );
      const { entries, skipped } = answer;
      return reply.code(202).send({ entries: [...entries], ...(skipped !== undefined && { skipped }) });
    },
  });
}

function toInfo(
  provider: ResolvedProvider,
  stats: ProviderStats | undefined,
  stop: StandingStop | undefined,
  at: number,
): ProviderInfo {
  const { ref, type, status } = provider;
  const isStopped = stop && !(status === 'ready' && provider.fingerprint !== stop.fingerprint);
  return {
    namespace: ref.namespace,
    name: ref.name,
    type,
    status,
    suspend: status !== 'foreign' && provider.suspend,
    ...(status === 'ready' && shownSettings(provider)),
    issues: status === 'invalid' ? provider.issues.map(toIssueInfo) : [],
    ...countsOf(stats, at),
    ...(isStopped && { stopped: { reason: stop.reason, at: new Date(stop.stoppedAt).toISOString() } }),
  };
}

function toIssueInfo(issue: Issue): ProviderInfo['issues'][number] {
  const { code, path, expected, found } = toRecord(issue);
  return { code, path, expected, found };
}

const missing = (stats: ProviderStats, at: number): ProviderInfo => ({
  namespace: stats.provider.namespace,
  name: stats.provider.name,
  status: 'missing',
  suspend: false,
  issues: [],
  ...countsOf(stats, at),
});

const countsOf = (stats: ProviderStats | undefined, at: number) => ({
  counts: Object.fromEntries(ENTRY_STATES.map((state) => [state, stats?.counts[state] ?? 0])),
  ...(stats?.oldestAgeMs !== undefined && { oldestPendingAt: new Date(at - stats.oldestAgeMs).toISOString() }),
});

/** Removes credentials from the address, and the query, which may contain some. */
function shownSettings({ endpoint, options }: ReadyProvider) {
  const url = URL.parse(endpoint.address);
  const address = endpoint.addressIsSecret || !url ? undefined : `${url.protocol}//${url.host}${url.pathname}`;
  return {
    ...(address !== undefined && { address: mask(address, endpoint.secrets) }),
    options: { ...options, ...(options.mapping && { mapping: options.mapping.name }) },
  };
}

const toAlertInfo = ({ metadata, spec }: Alert): AlertInfo => ({
  namespace: metadata.namespace,
  name: metadata.name,
  provider: `${metadata.namespace}/${spec.providerRef.name}`,
  suspend: spec.suspend ?? false,
  eventSeverity: spec.eventSeverity ?? 'info',
  eventSources: [...spec.eventSources],
  inclusionList: [...(spec.inclusionList ?? [])],
  exclusionList: [...(spec.exclusionList ?? [])],
  eventMetadata: { ...spec.eventMetadata, ...(spec.summary !== undefined && { summary: spec.summary }) },
});
