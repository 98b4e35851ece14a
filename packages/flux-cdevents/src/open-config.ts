import type { ConfigSource } from './config/config-source.ts';
import { createFileSource } from './config/files/file-source.ts';
import { createKubernetesSource } from './config/kubernetes/kubernetes-source.ts';
import { FluxCDEventsError } from './errors.ts';
import { type NamespacedName, nameOf } from './flux/object-ref.ts';
import type { KubeClient } from './kube-api/kube-client.ts';
import type { Logger } from './observe/log.ts';
import { runtimeNamespace } from './options/kubernetes-options.ts';
import type { ServeOptions } from './options/serve-options.ts';
import { handledTypesWith, type MappingReader } from './provider/provider.ts';
import { createConfigReports } from './report/config-reports.ts';
import { createEventReports, type EventReports } from './report/event-reports.ts';
import { createKubernetesReporter } from './report/kubernetes-reporter.ts';
import { silentReporter } from './report/reporter.ts';

/** The source of the configuration, and what else the program can do with the place that it comes from. */
export interface OpenConfig {
  readonly source: ConfigSource;
  /**
   * Call this when the receiver of a Provider refuses the credentials: the Secrets are read again now, not at the next
   * refresh. Does nothing for files, which are watched.
   */
  refresh(provider: NamespacedName): void;
  /** Reports failures outside the log: as Kubernetes Events, or not at all for files. */
  readonly reports: EventReports;
  /** The folder or the URL of the API server, for log lines. */
  readonly name: string;
}

export interface OpenConfigDeps {
  /** The client of the process. Whoever created it closes it, after everything that was given to `onStop`. */
  readonly connect: () => Promise<KubeClient>;
  readonly readMapping: MappingReader;
  readonly logger: Logger;
  /** Registers what has to be closed when the program stops; the last one is closed first. */
  readonly onStop: (stop: () => Promise<unknown> | unknown) => void;
}

/**
 * Creates the source that the options ask for: files or an API server. It reads nothing before it is started.
 * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when there is no way to connect to the API server, `FCE_OPTION_INVALID`
 * when the namespace to watch is unknown
 */
export async function openConfig(options: ServeOptions, deps: OpenConfigDeps): Promise<OpenConfig> {
  const logger = deps.logger.child({ logger: 'config' });
  const { config, kubernetes, noCrossNamespaceRefs } = options;
  const { readMapping } = deps;
  if (!kubernetes) {
    const directory = config ?? '.';
    const source = createFileSource({ directory, noCrossNamespaceRefs, readMapping, logger });
    deps.onStop(() => source.close());
    const reports = createEventReports({ reporter: silentReporter, exists: () => false, alerts: () => [] });
    return { source, refresh: () => {}, reports, name: directory };
  }
  const api = await deps.connect();
  const namespace = kubernetes.watchAllNamespaces ? undefined : (runtimeNamespace() ?? api.namespace);
  if (!kubernetes.watchAllNamespaces && !namespace) {
    const expected = 'the namespace to watch in RUNTIME_NAMESPACE';
    throw new FluxCDEventsError('FCE_OPTION_INVALID', `--watch-all-namespaces: expected ${expected}, found nothing`);
  }
  const source = createKubernetesSource({
    api,
    ...(namespace && { namespace }),
    noCrossNamespaceRefs,
    handledTypes: handledTypesWith(options.events.forwardTo !== undefined),
    qps: kubernetes.qps,
    readMapping,
    logger,
    onLabelsChange(change) {
      const object = `${change.object.kind} ${nameOf(change.object)}`;
      if (change.state === 'readable') logger.info({ object }, 'labels can be read again');
      else {
        const consequence = change.lastKnown ? 'uses the labels that were read last' : 'selects nothing';
        logger.error({ object, error: change.error }, `labels cannot be read: matchLabels ${consequence}`);
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
    refresh: (provider) => source.refresh(provider),
    reports,
    name: api.server,
  };
}
