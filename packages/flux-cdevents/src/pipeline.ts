import type { ConfigSnapshot, ConfigSource } from './config/config-source.ts';
import { FluxCDEventsError } from './errors.ts';
import type { FluxEvent } from './flux/event.ts';
import { duplicateKey, mergeMetadata } from './flux/metadata.ts';
import { type NamespacedName, nameOf, objectKey } from './flux/object-ref.ts';
import { type MapDefaults, type MappedEvent, mapEntry, mapEvent, type Selection } from './map/map-event.ts';
import type { Matcher } from './match/matcher.ts';
import type { Logger } from './observe/log.ts';
import type { Metrics } from './observe/metrics.ts';
import type { ClaimedEntry } from './outbox/entry.ts';
import type { Outbox } from './outbox/outbox.ts';

export interface PipelineDeps {
  readonly config: Pick<ConfigSource, 'labels'>;
  /** The index of the Alerts in force with the snapshot that it was made from; undefined until there is one. */
  readonly current: () => { readonly snapshot: ConfigSnapshot; readonly matcher: Matcher } | undefined;
  readonly outbox: Pick<Outbox, 'recall' | 'commit' | 'expand' | 'settle'>;
  readonly defaults: MapDefaults;
  /** How long the same event counts as a duplicate. */
  readonly rateLimitIntervalMs: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: () => number;
}

/** What became of an event. `nothing`: no Alert wants it, or its mapping makes nothing of it. */
export type Acceptance =
  | { readonly status: 'stored' | 'nothing' }
  | { readonly status: 'duplicate'; readonly retryAfterMs: number };

export interface Pipeline {
  /**
   * Resolves once everything that the event causes is committed. Safe to repeat: ids follow from the event.
   * @throws {FluxCDEventsError} `FCE_CONFIG_NOT_LOADED`, `FCE_STORE_UNAVAILABLE`
   */
  accept(event: FluxEvent): Promise<Acceptance>;
  /** Maps an entry that waited for it and puts what comes of it in its place. */
  expand(entry: ClaimedEntry): Promise<void>;
}

export function createPipeline(deps: PipelineDeps): Pipeline {
  const { config, current, outbox, defaults, metrics, logger, now } = deps;
  const reportConflicts = createConflictReporter(logger);

  const select = async (event: FluxEvent): Promise<readonly Selection[]> => {
    const configuration = current();
    if (!configuration) throw new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', 'the configuration is not loaded yet');
    const { snapshot, matcher } = configuration;
    // Labels are fetched first, so that what follows is pure.
    const labels = matcher.needsLabels(event) ? await config.labels(event.involvedObject) : undefined;
    return matcher.match(event, labels).map((alert) => {
      const { metadata, conflicts } = mergeMetadata(event, alert);
      if (conflicts.length > 0) reportConflicts(alert.metadata, conflicts);
      const provider = { namespace: alert.metadata.namespace, name: alert.spec.providerRef.name };
      return { alert: alert.metadata, metadata, provider, resolved: snapshot.providers.get(nameOf(provider)) };
    });
  };

  const account = ({ entries, skipped, made }: MappedEvent) => {
    for (const { type, preset } of made) metrics.eventsMapped.inc({ type, preset });
    for (const { reason } of skipped) metrics.eventsSkipped.inc({ reason });
    for (const { id, provider, type, object, reason, deadLetter } of entries) {
      if (deadLetter === undefined) continue;
      metrics.deliveries.inc({ ...labelsOf(provider), type, outcome: 'dead-letter' });
      logger.error({ provider: nameOf(provider), entry: id, type, object, reason, error: deadLetter }, 'dead letter');
    }
  };

  return {
    async accept(event) {
      const selections = await select(event);
      if (selections.length === 0) return { status: 'nothing' };
      const object = objectKey(event.involvedObject);
      for (;;) {
        const at = now();
        const { version, memory } = await outbox.recall(object);
        const mapped = mapEvent(event, selections, memory, { defaults, at });
        if (mapped.entries.length === 0 && mapped.remember === undefined) {
          account(mapped);
          return { status: 'nothing' };
        }
        const receipt = await outbox.commit({
          object,
          expect: version,
          ...(mapped.remember !== undefined && { remember: mapped.remember }),
          entries: mapped.entries,
          mark: { key: duplicateKey(event), expiresAt: at + deps.rateLimitIntervalMs },
          at,
        });
        if (receipt.status === 'conflict') continue;
        if (receipt.status === 'stored') account(mapped);
        return receipt;
      }
    },

    async expand(entry) {
      for (;;) {
        const provider = current()?.snapshot.providers.get(nameOf(entry.provider));
        const { id, leaseId } = entry;
        if (provider?.status !== 'ready') {
          await outbox.settle([{ id, leaseId, at: now(), outcome: 'release' }]);
          return;
        }
        const at = now();
        const { event } = JSON.parse(entry.source) as { event: FluxEvent };
        const object = objectKey(event.involvedObject);
        const { version, memory } = await outbox.recall(object);
        const mapped = mapEntry(entry, provider, memory, { defaults, at });
        const result = await outbox.expand({
          id,
          leaseId,
          object,
          expect: version,
          ...(mapped.remember !== undefined && { remember: mapped.remember }),
          entries: mapped.entries,
          at,
        });
        if (result === 'conflict') continue;
        if (result === 'expanded') account(mapped);
        return;
      }
    },
  };
}

const labelsOf = ({ namespace, name }: NamespacedName) => ({ namespace, provider: name });

/** Says once for each Alert and set of keys that metadata came from more than one source: not at every event. */
function createConflictReporter(logger: Logger) {
  const seen = new Set<string>();
  return (
    alert: NamespacedName,
    conflicts: readonly { readonly key: string; readonly sources: readonly string[] }[],
  ) => {
    const key = `${nameOf(alert)} ${conflicts.map((conflict) => conflict.key).join()}`;
    if (seen.has(key) || seen.size > 10_000) return;
    seen.add(key);
    logger.info({ alert: nameOf(alert), conflicts }, 'metadata key conflict: the last source of each key wins');
  };
}
