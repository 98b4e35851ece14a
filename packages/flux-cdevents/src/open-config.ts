import type { ConfigSource } from './config/config-source.ts';
import { createFileSource } from './config/files/file-source.ts';
import { createKubernetesSource } from './config/kubernetes/kubernetes-source.ts';
import { FluxCDEventsError } from './errors.ts';
import { type NamespacedName, nameOf } from './flux/object-ref.ts';
import type { KubeClient } from './kube-api/kube-client.ts';
import type { Logger } from './observe/log.ts';
import type { ServeOptions } from './options/serve-options.ts';
import { HANDLED_TYPES, type MappingReader } from './provider/provider.ts';
import { createConfigReports } from './report/config-reports.ts';
import { createEventReports, type EventReports } from './report/event-reports.ts';
import { createKubernetesReporter } from './report/kubernetes-reporter.ts';
import { silentReporter } from './report/reporter.ts';

/** Where Providers and Alerts come from, and what can be done about them there. */
export interface OpenConfig {
  readonly source: ConfigSource;
  /** What the first snapshot waits for. */
  waitsFor(): readonly string[];
  /** A Provider's receiver refuses what we know: its Secrets are read again. */
  refresh(provider: NamespacedName): void;
  /** Where failures are told of, beside the log. */
  readonly reports: EventReports;
  /** In log lines: the folder, or the API server. */
  readonly name: string;
}

export interface OpenConfigDeps {
  /** The client of the process. Whoever created it closes it, after everything that was given to `onStop`. */
  readonly connect: () => Promise<KubeClient>;
  readonly readMapping: MappingReader;
  readonly logger: Logger;
  readonly onStop: (stop: () => Promise<unknown> | unknown) => void;
}

/**
 * Files or an API server, as the options say. Nothing is read yet.
 * @throws {FluxCDEventsError} when it is not known where the API server is
 */
export async function openConfig(options: ServeOptions, deps: OpenConfigDeps): Promise<OpenConfig> {
  const logger = deps.logger.child({ logger: 'config' });
  const { config, kubernetes, noCrossNamespaceRefs } = options;
  const { readMapping } = deps;
  const waiting = ['the configuration is not loaded yet'];
  if (!kubernetes) {
    const directory = config ?? '.';
    const source = createFileSource({ directory, noCrossNamespaceRefs, readMapping, logger });
    deps.onStop(() => source.close());
    const reports = createEventReports({ reporter: silentReporter, exists: () => false, alerts: () => [] });
    return { source, waitsFor: () => waiting, refresh: () => {}, reports, name: directory };
  }
  const api = await deps.connect();
  const namespace = kubernetes.watchAllNamespaces ? undefined : process.env.RUNTIME_NAMESPACE || api.namespace;
  if (!kubernetes.watchAllNamespaces && !namespace) {
    const expected = 'the namespace to watch in RUNTIME_NAMESPACE';
    throw new FluxCDEventsError('FCE_OPTION_INVALID', `--watch-all-namespaces: expected ${expected}, found nothing`);
  }
  const source = createKubernetesSource({
    api,
    ...(namespace && { namespace }),
    noCrossNamespaceRefs,
    // what is passed on reaches Providers of the other types there
    handledTypes: options.events.forwardTo === undefined ? HANDLED_TYPES : ['cdevents'],
    qps: kubernetes.qps,
    readMapping,
    logger,
    onLabelsChange(change) {
      const object = `${change.object.kind} ${nameOf(change.object)}`;
      if (change.state === 'readable') logger.info({ object }, 'labels can be read again');
      else {
        logger.error({ object, error: change.error }, 'labels cannot be read: matchLabels selects nothing');
        reports.labelsUnreadable(change.object, change.error);
      }
    },
  });
  const reporter = createKubernetesReporter({
    api,
    reference: ({ kind, ...name }) => source.reference(kind, name),
    logger: deps.logger.child({ logger: 'report' }),
  });
  deps.onStop(() => reporter.close());
  const reports = createEventReports({
    reporter,
    exists: ({ kind, ...name }) => source.reference(kind, name) !== undefined,
    alerts: () => source.snapshot()?.alerts ?? [],
  });
  const newReports = createConfigReports();
  source.onChange(({ problems }) => {
    for (const report of newReports(problems)) reporter.report(report);
  });
  deps.onStop(() => source.close());
  return {
    source,
    waitsFor: () => source.waitsFor(),
    refresh: (provider) => source.refresh(provider),
    reports,
    name: api.server,
  };
}
