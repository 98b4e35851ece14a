import { createHash } from 'node:crypto';
import type { ConfigSnapshot, ConfigSource } from '../config/config-source.ts';
import type { Acceptance } from '../contracts.ts';
import { FluxCDEventsError } from '../errors.ts';
import { type FluxEvent, parseFluxEvent } from '../flux/event.ts';
import { duplicateKey, type MetadataConflict, mergeMetadata, restorePrefixes } from '../flux/metadata.ts';
import { type NamespacedName, nameOf, objectKey } from '../flux/object-ref.ts';
import type { Matcher } from '../match/matcher.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { ClaimedEntry, NewEntry } from '../outbox/entry.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { ResolvedProvider } from '../provider/provider.ts';
import { type Destination, type EventEntries, entriesInPlaceOf, entriesOf, type MapDefaults } from './entries.ts';
import { bodyOf, forwardEntry, isForward } from './forward.ts';

/** Who is told of what happens to events, beside the log. */
export interface PipelineReports {
  metadataConflict(alert: NamespacedName, conflicts: readonly MetadataConflict[]): void;
  /** No valid CDEvent could be made of an event. */
  deadLetter(provider: NamespacedName, alert: NamespacedName, error: string): void;
}

export interface PipelineDeps {
  readonly config: Pick<ConfigSource, 'labels'>;
  /** The index of the Alerts in force with the snapshot that it was made from; undefined until there is one. */
  readonly current: () => { readonly snapshot: ConfigSnapshot; readonly matcher: Matcher } | undefined;
  readonly outbox: Pick<Outbox, 'recall' | 'commit' | 'expand' | 'settle'>;
  readonly defaults: MapDefaults;
  /** How long the same event counts as a duplicate. */
  readonly rateLimitIntervalMs: number;
  /** True: every event of the event endpoint is passed on to a notification-controller as well. @default false */
  readonly forward?: boolean;
  readonly reports?: PipelineReports;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: () => number;
}

export interface Pipeline {
  /**
   * Resolves once everything that the event causes is committed. Safe to repeat: ids follow from the event.
   * @param body what is passed on, as it came. @default the event as JSON
   * @throws {FluxCDEventsError} `FCE_CONFIG_NOT_LOADED`, `FCE_STORE_UNAVAILABLE`
   */
  accept(event: FluxEvent, body?: string): Promise<Acceptance>;
  /**
   * The same for an event that a notification-controller sent on to one Provider: the Alerts were matched there, and
   * metadata has lost its prefixes. The same body for the same Provider is the same event.
   * @throws {FluxCDEventsError} as `accept` does
   */
  acceptFor(provider: NamespacedName, event: FluxEvent, body: Uint8Array): Promise<Acceptance>;
  /**
   * The Provider as it is configured now.
   * @throws {FluxCDEventsError} `FCE_CONFIG_NOT_LOADED`
   */
  provider(name: NamespacedName): ResolvedProvider | undefined;
  /** Maps an entry that waited for it and puts what comes of it in its place. */
  expand(entry: ClaimedEntry): Promise<void>;
}

export function createPipeline(deps: PipelineDeps): Pipeline {
  const { config, current, outbox, defaults, forward = false, reports, metrics, logger, now } = deps;
  const reportConflicts = createConflictReporter(logger, reports);

  const loaded = () => {
    const configuration = current();
    if (!configuration) throw new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', 'the configuration is not loaded yet');
    return configuration;
  };

  /** What the notification-controller delivers itself, whose endpoint this is only in part. */
  const isItsOwn = (resolved: ResolvedProvider | undefined): boolean =>
    resolved !== undefined &&
    resolved.status !== 'foreign' &&
    (resolved.webhookOnly === true || (forward && resolved.type !== 'cdevents'));

  const select = async (event: FluxEvent): Promise<readonly Destination[]> => {
    const { snapshot, matcher } = loaded();
    // Labels are fetched first, so that what follows is pure.
    const labels = matcher.needsLabels(event) ? await config.labels(event.involvedObject) : undefined;
    const selections: Destination[] = [];
    for (const alert of matcher.match(event, labels)) {
      const provider = { namespace: alert.metadata.namespace, name: alert.spec.providerRef.name };
      const resolved = snapshot.providers.get(nameOf(provider));
      if (isItsOwn(resolved)) continue;
      const { metadata, conflicts } = mergeMetadata(event, alert);
      if (conflicts.length > 0) reportConflicts(alert.metadata, conflicts);
      selections.push({ alert: alert.metadata, metadata, provider, resolved });
    }
    return selections;
  };

  const account = ({ entries, skipped, made }: EventEntries) => {
    for (const { type, preset } of made) metrics.eventsMapped.inc({ type, preset });
    for (const { reason } of skipped) metrics.eventsSkipped.inc({ reason });
    for (const { id, provider, alert, type, object, reason, deadLetter } of entries) {
      if (deadLetter === undefined) continue;
      metrics.deliveries.inc({ ...labelsOf(provider), type, outcome: 'dead-letter' });
      logger.error({ provider: nameOf(provider), entry: id, type, object, reason, error: deadLetter }, 'dead letter');
      reports?.deadLetter(provider, alert, deadLetter);
    }
  };

  /** @param more entries that the event causes whatever is made of it */
  const store = async (
    event: FluxEvent,
    selections: readonly Destination[],
    markKey: string,
    more: (at: number) => readonly NewEntry[],
  ): Promise<Acceptance> => {
    const object = objectKey(event.involvedObject);
    for (;;) {
      const at = now();
      const { version, memory } = await outbox.recall(object);
      const mapped = entriesOf(event, selections, memory, { defaults, at });
      const entries = [...mapped.entries, ...more(at)];
      if (entries.length === 0 && mapped.remember === undefined) {
        account(mapped);
        return { status: 'nothing' };
      }
      const receipt = await outbox.commit({
        object,
        expect: version,
        ...(mapped.remember !== undefined && { remember: mapped.remember }),
        entries,
        mark: { key: markKey, expiresAt: at + deps.rateLimitIntervalMs },
        at,
      });
      if (receipt.status === 'conflict') continue;
      if (receipt.status === 'stored') account(mapped);
      return receipt;
    }
  };

  return {
    async accept(event, body) {
      const selections = await select(event);
      if (selections.length === 0 && !forward) return { status: 'nothing' };
      return store(event, selections, duplicateKey(event), (at) =>
        forward ? [forwardEntry(event, body ?? JSON.stringify(event), at)] : [],
      );
    },

    async acceptFor(provider, event, body) {
      const resolved = loaded().snapshot.providers.get(nameOf(provider));
      const selection = { alert: provider, metadata: event.metadata ?? {}, provider, resolved };
      return store(restorePrefixes(event), [selection], webhookKey(provider, body), () => []);
    },

    provider: (name) => loaded().snapshot.providers.get(nameOf(name)),

    async expand(entry) {
      for (;;) {
        const provider = current()?.snapshot.providers.get(nameOf(entry.provider));
        const { id, leaseId } = entry;
        if (provider?.status !== 'ready') {
          await outbox.settle([{ id, leaseId, at: now(), outcome: 'release' }]);
          return;
        }
        const at = now();
        const event = isForward(entry) ? parseFluxEvent(bodyOf(entry), at) : eventOf(entry);
        const object = objectKey(event.involvedObject);
        const { version, memory } = await outbox.recall(object);
        const mapped: EventEntries = isForward(entry)
          ? unmapped({ ...forwardEntry(event, bodyOf(entry), at), expiresAt: entry.expiresAt })
          : entriesInPlaceOf(entry, provider, memory, { defaults, at });
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

/** The mark of a body that the webhook took: a notification-controller that got no answer sends it again as it was. */
const webhookKey = (provider: NamespacedName, body: Uint8Array): string =>
  createHash('sha256')
    .update(`webhook ${nameOf(provider)}\n`)
    .update(body)
    .digest('base64url');

const eventOf = ({ source }: ClaimedEntry): FluxEvent => (JSON.parse(source) as { event: FluxEvent }).event;

const unmapped = (entry: NewEntry): EventEntries => ({ entries: [entry], skipped: [], made: [] });

const labelsOf = ({ namespace, name }: NamespacedName) => ({ namespace, provider: name });

/** Says once for each Alert and set of keys that metadata came from more than one source: not at every event. */
function createConflictReporter(logger: Logger, reports: PipelineReports | undefined) {
  const seen = new Set<string>();
  return (alert: NamespacedName, conflicts: readonly MetadataConflict[]) => {
    const key = `${nameOf(alert)} ${conflicts.map((conflict) => conflict.key).join()}`;
    if (seen.has(key) || seen.size > 10_000) return;
    seen.add(key);
    logger.info({ alert: nameOf(alert), conflicts }, 'metadata key conflict: the last source of each key wins');
    reports?.metadataConflict(alert, conflicts);
  };
}
