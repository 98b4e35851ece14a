import { createHash, hash } from 'node:crypto';
import { type ConfigSnapshot, type ConfigSource, configNotLoaded, isComplete } from '../config/config-source.ts';
import type { Acceptance, MapOutcome } from '../contracts.ts';
import { describeField, describeFound } from '../diagnostics/describe.ts';
import type { FluxEvent } from '../flux/event.ts';
import { duplicateKey, type MetadataConflict, mergeMetadata, restorePrefixes } from '../flux/metadata.ts';
import { type NamespacedName, nameOf, objectKey } from '../flux/object-ref.ts';
import { createTurns } from '../lib/turns.ts';
import type { Matcher } from '../match/matcher.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type ClaimedEntry, logFieldsOf, type NewEntry, typeLabelOf } from '../outbox/entry.ts';
import type { EventStore } from '../outbox/event-store.ts';
import type { ResolvedProvider } from '../provider/provider.ts';
import { commitMapped } from './commit-loop.ts';
import { readEntrySource } from './entry-source.ts';
import { type Destination, type EventEntries, entriesInPlaceOf, entriesOf, type MapDefaults } from './event-entries.ts';
import { forwardEntry } from './forward.ts';

/** Where failures are reported besides the log. */
export interface PipelineReports {
  metadataConflict(alert: NamespacedName, conflicts: readonly MetadataConflict[]): void;
  /** An event could not be mapped to a valid CDEvent. */
  deadLetter(provider: NamespacedName, alert: NamespacedName, error: string): void;
}

export interface PipelineDeps {
  readonly config: Pick<ConfigSource, 'labels'>;
  /** The configuration in force, with an index of its Alerts; undefined until it is loaded. */
  readonly current: () => { readonly snapshot: ConfigSnapshot; readonly matcher: Matcher } | undefined;
  /** Matches expressions that take long with a message, in another thread. Undefined for those that take too long. */
  readonly longMatch?: (
    message: string,
    expressions: readonly string[],
  ) => Promise<ReadonlyMap<string, boolean | undefined>>;
  readonly outbox: EventStore;
  readonly defaults: MapDefaults;
  /** For how long the same event counts as a duplicate. */
  readonly rateLimitIntervalMs: number;
  /** True: every event of the event endpoint is passed on to a notification-controller as well. @default false */
  readonly forward?: boolean;
  readonly reports?: PipelineReports;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** An entry under lease that has no message yet. */
export type WaitingEntry = Pick<ClaimedEntry, 'id' | 'leaseId' | 'provider' | 'alert' | 'source'>;

export interface Pipeline {
  /**
   * Accepts an event of the event endpoint. Resolves once everything that the event causes is committed. Safe to
   * repeat, because ids are derived from the event.
   * @param body what is passed on, as it was received. @default the event as JSON
   * @throws {FluxCDEventsError} `FCE_CONFIG_NOT_LOADED`, also when it cannot be known which Alerts select the event;
   * `FCE_STORE_UNAVAILABLE`
   */
  accept(event: FluxEvent, body?: string): Promise<Acceptance>;
  /**
   * Accepts an event of the webhook, which a notification-controller sent to one Provider. The notification-controller
   * has matched the Alerts and removed the prefixes of the metadata. The same body for the same Provider is the same
   * event.
   * @throws {FluxCDEventsError} as `accept` does
   */
  acceptFor(provider: NamespacedName, event: FluxEvent, body: Uint8Array): Promise<Acceptance>;
  /**
   * The Provider as it is configured now; undefined when it does not exist.
   * @throws {FluxCDEventsError} `FCE_CONFIG_NOT_LOADED` also when it may be in a part that could not be read yet
   */
  provider(name: NamespacedName): ResolvedProvider | undefined;
  /** Maps a waiting entry and commits the result in its place, unless its Provider is not ready. */
  mapWaiting(entry: WaitingEntry): Promise<MapOutcome>;
}

/**
 * The path of an event to the outbox:
 *
 *     accept ──► select Alerts ──┐
 *     acceptFor ─────────────────┴──► recall ──► map for each destination ──► commit
 *     mapWaiting ───────────────────► recall ──► map for its Provider ──────► commit in its place
 *
 * `commit-loop.ts` recalls and commits, `entries.ts` maps.
 */
export function createPipeline(deps: PipelineDeps): Pipeline {
  const { config, current, longMatch, outbox, defaults, rateLimitIntervalMs, forward = false } = deps;
  const { reports, metrics, logger } = deps;
  const reportConflicts = createConflictReporter(logger, reports);

  const loaded = () => {
    const configuration = current();
    if (!configuration) throw configNotLoaded();
    return configuration;
  };

  /** The Providers whose Alerts select the event, except those that the notification-controller delivers to. */
  const select = async (event: FluxEvent): Promise<readonly Destination[]> => {
    const { snapshot, matcher } = loaded();
    // What takes long is fetched first, so that what follows is pure.
    const long = longMatch ? matcher.longExpressions(event) : [];
    const verdicts = longMatch && long.length > 0 ? await longMatch(event.message, long) : undefined;
    for (const [expression, found] of verdicts ?? []) {
      if (found !== undefined) continue;
      const { involvedObject, reason } = event;
      metrics.undecidedExpressions.inc();
      logger.error(
        { expression: describeFound(expression), characters: event.message.length, involvedObject, reason },
        'matching an expression of an Alert took too long: its list lets the event through',
      );
    }
    const labels = matcher.needsLabels(event, verdicts) ? await config.labels(event.involvedObject) : undefined;
    const destinations: Destination[] = [];
    const turns = createTurns();
    for (const alert of matcher.match(event, labels, verdicts)) {
      const provider = { namespace: alert.metadata.namespace, name: alert.spec.providerRef.name };
      const resolved = providerIn(snapshot, provider);
      if (isLeftToFlux(resolved, forward)) continue;
      if (turns.over) await turns.next();
      const { metadata, conflicts } = mergeMetadata(event, alert);
      if (conflicts.length > 0) reportConflicts(alert.metadata, conflicts);
      destinations.push({ alert: alert.metadata, metadata, provider, resolved });
    }
    if (destinations.length === 0 && !isComplete(snapshot)) {
      throw configNotLoaded('no Alert selects the event, but a part of the configuration could not be read yet');
    }
    return destinations;
  };

  /** @param forwarded entries that the event causes no matter how it is mapped */
  const commit = async (
    event: FluxEvent,
    destinations: readonly Destination[],
    markKey: string,
    forwarded: readonly NewEntry[] = [],
  ): Promise<Acceptance> => {
    const { mapped, receipt } = await commitMapped(outbox, {
      object: objectKey(event.involvedObject),
      mark: { key: markKey, ttlMs: rateLimitIntervalMs },
      async map(recalled) {
        const mapped = await entriesOf(event, destinations, recalled, defaults);
        return forwarded.length === 0 ? mapped : { ...mapped, entries: [...mapped.entries, ...forwarded] };
      },
    });
    if (receipt.status === 'duplicate') return receipt;
    record(mapped);
    return { status: receipt.status === 'nothing' ? 'nothing' : 'stored' };
  };

  const record = ({ entries, skipped, made }: EventEntries) => {
    for (const { type, preset } of made) metrics.eventsMapped.inc({ type, preset });
    for (const { reason } of skipped) metrics.eventsSkipped.inc({ reason });
    for (const entry of entries) {
      const { provider, alert, deadLetter } = entry;
      if (deadLetter === undefined) continue;
      const { namespace, name } = provider;
      metrics.deliveries.inc({ namespace, provider: name, type: typeLabelOf(entry), outcome: 'dead-letter' });
      logger.error({ ...logFieldsOf(entry), error: deadLetter }, 'event became a dead letter');
      reports?.deadLetter(provider, alert, deadLetter);
    }
  };

  return {
    async accept(event, body) {
      const destinations = await select(event);
      if (destinations.length === 0 && !forward) return { status: 'nothing' };
      const forwarded = forward ? [forwardEntry(event, body ?? JSON.stringify(event))] : [];
      return commit(event, destinations, duplicateKey(event), forwarded);
    },

    async acceptFor(provider, event, body) {
      const resolved = providerIn(loaded().snapshot, provider);
      const destination = { alert: provider, metadata: event.metadata ?? {}, provider, resolved };
      return commit(restorePrefixes(event), [destination], webhookKey(provider, body));
    },

    provider(name) {
      const { snapshot } = loaded();
      const provider = snapshot.providers.get(nameOf(name));
      if (!provider && !isComplete(snapshot)) {
        throw configNotLoaded(
          `Provider ${nameOf(name)} may be in a part of the configuration that could not be read yet`,
        );
      }
      return provider;
    },

    async mapWaiting(entry) {
      const { id, leaseId } = entry;
      const provider = current()?.snapshot.providers.get(nameOf(entry.provider));
      if (provider?.status !== 'ready') return 'not-ready';
      const source = readEntrySource(entry);
      const { mapped, receipt } = await commitMapped(outbox, {
        object: objectKey(source.event.involvedObject),
        replaces: { id, leaseId },
        map: (recalled) => entriesInPlaceOf(source, entry.alert, provider, recalled, defaults),
      });
      if (receipt.status !== 'stored') return 'lost';
      record(mapped);
      return 'committed';
    },
  };
}

/**
 * The Provider that an event goes to; undefined when it does not exist. One that may be in a part of the configuration that
 * could not be read yet has a stand-in, so that the event waits for it.
 */
function providerIn(snapshot: ConfigSnapshot, ref: NamespacedName): ResolvedProvider | undefined {
  const provider = snapshot.providers.get(nameOf(ref));
  if (provider || isComplete(snapshot)) return provider;
  return { status: 'invalid', ref, type: 'cdevents', suspend: false, issues: [] };
}

/** Whether the notification-controller delivers to a Provider itself. */
const isLeftToFlux = (resolved: ResolvedProvider | undefined, forward: boolean): boolean =>
  resolved !== undefined &&
  resolved.status !== 'foreign' &&
  (resolved.webhookOnly === true || (forward && resolved.type !== 'cdevents'));

/** The duplicate mark of a webhook request: a notification-controller that got no answer sends the same body again. */
const webhookKey = (provider: NamespacedName, body: Uint8Array): string =>
  createHash('sha256')
    .update(`webhook ${nameOf(provider)}\n`)
    .update(body)
    .digest('base64url');

/** How many reported conflicts are remembered. */
const MAX_CONFLICTS = 10_000;
/** How much of a report is shown: keys are as long as the sender of an event likes, and as many. */
const MAX_SHOWN_CONFLICTS = 20;

/** Reports metadata that comes from more than one source once for each Alert and set of keys, not with every event. */
function createConflictReporter(logger: Logger, reports: PipelineReports | undefined) {
  const seen = new Set<string>();
  return (alert: NamespacedName, conflicts: readonly MetadataConflict[]) => {
    const key = hash('sha256', `${nameOf(alert)} ${conflicts.map((conflict) => conflict.key).join()}`);
    if (seen.has(key) || seen.size > MAX_CONFLICTS) return;
    seen.add(key);
    const shown = conflicts.slice(0, MAX_SHOWN_CONFLICTS).map((conflict) => ({
      ...conflict,
      key: describeField(conflict.key),
    }));
    const more = conflicts.length - shown.length;
    const fields = { alert: nameOf(alert), conflicts: shown, ...(more > 0 && { more }) };
    logger.info(fields, 'metadata key conflict: the last source of each key wins');
    reports?.metadataConflict(alert, shown);
  };
}
