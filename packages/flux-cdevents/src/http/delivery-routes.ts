import Type from 'typebox';
import { nameOf, parseName } from '../flux/object-ref.ts';
import { explainedFields, type StoredExplanation } from '../map/explanation.ts';
import { type EntryKind, type EntrySummary, type OutboxEntry, typeLabelOf, UNMAPPED } from '../outbox/entry.ts';
import type { EntryFilter, Inspection } from '../outbox/inspection.ts';
import { type EntrySource, readEntrySource } from '../pipeline/entry-source.ts';
import { maxAgeOf } from '../provider/provider-options.ts';
import type { ApiServerDeps } from './api-deps.ts';
import { ApiError } from './api-error.ts';
import {
  CountAnswer,
  type Delivery,
  DeliveryDetail,
  DeliveryPage,
  DiscardRequest,
  ErrorAnswer,
  type Explanation,
  ListQuery,
  ReplayRequest,
} from './api-types.ts';
import { parseSince } from './since.ts';
import type { TypedServer } from './typebox-routes.ts';

/** The maximum number of ids in the answer to an ambiguous id. */
const MAX_MEANT = 20;
const DEFAULT_LIMIT = 50;
/** Entries that a count reads at a time. */
const PAGE = 500;

/** `/deliveries`: list, show, replay, discard. */
export function deliveryRoutes(api: TypedServer, { outbox, snapshot, now }: ApiServerDeps): void {
  const tags = ['deliveries'];

  api.route({
    method: 'GET',
    url: '/deliveries',
    schema: {
      tags,
      operationId: 'listDeliveries',
      summary: 'Entries of the outbox, newest first',
      querystring: ListQuery,
      response: { 200: DeliveryPage, default: ErrorAnswer },
    },
    handler: async ({ query }) => {
      const { limit = DEFAULT_LIMIT, after, state, id, ...rest } = query;
      const filter = toFilter({ ...rest, ...(id !== undefined && { ids: [id] }) }, now());
      const page = await outbox.list(
        { ...filter, ...(state && state.length > 0 && { states: state }) },
        { limit, ...(after !== undefined && { after }) },
      );
      return { entries: page.entries.map(toDelivery), ...(page.next !== undefined && { next: page.next }) };
    },
  });

  api.route({
    method: 'GET',
    url: '/deliveries/:id',
    schema: {
      tags,
      operationId: 'getDelivery',
      summary: 'One entry with its Flux event and its CDEvent',
      description:
        'A prefix of an id, such as a CDEvent id, is enough if it matches one entry only. If it matches several, 409 lists their ids.',
      params: Type.Object({ id: Type.String({ minLength: 1 }) }),
      response: { 200: DeliveryDetail, default: ErrorAnswer },
    },
    handler: async ({ params: { id } }) => {
      const { entries, next } = await outbox.list({ ids: [id] }, { limit: MAX_MEANT });
      const meant = entries.find((candidate) => candidate.id === id) ?? entries[0];
      if (meant && meant.id !== id && entries.length > 1) {
        const ids = entries.map((candidate) => candidate.id);
        const many = next === undefined ? String(ids.length) : `more than ${ids.length}`;
        throw new ApiError(409, 'FCE_API_REFUSED', `${many} deliveries have an id that starts with ${id}`, { ids });
      }
      const entry = meant && (await outbox.show(meant.id));
      if (!entry) throw new ApiError(404, 'FCE_NOT_FOUND', `no delivery has the id ${id}`);
      return toDetail(entry);
    },
  });

  api.route({
    method: 'POST',
    url: '/deliveries/replay',
    schema: {
      tags,
      operationId: 'replayDeliveries',
      summary: 'Send dead letters or delivered entries again under the same id',
      body: ReplayRequest,
      response: { 200: CountAnswer, default: ErrorAnswer },
    },
    handler: async ({ body: { remap = false, states, dryRun = false, ...request } }) => {
      const filter: EntryFilter = { ...narrowed(request, now()), states: states ?? ['dead-letter'] };
      if (dryRun) return countEntries(outbox, filter);
      // Each Provider has its own max-age.
      const providers = filter.provider ? [filter.provider] : (await outbox.stats()).map(({ provider }) => provider);
      let count = 0;
      for (const provider of providers) {
        const maxAgeMs = maxAgeOf(snapshot()?.providers.get(nameOf(provider)));
        count += await outbox.replay({ ...filter, provider }, { maxAgeMs, remap });
      }
      return { count };
    },
  });

  api.route({
    method: 'POST',
    url: '/deliveries/discard',
    schema: {
      tags,
      operationId: 'discardDeliveries',
      summary: 'Remove dead letters permanently',
      body: DiscardRequest,
      response: { 200: CountAnswer, default: ErrorAnswer },
    },
    handler: async ({ body: { dryRun = false, ...request } }) => {
      const filter = narrowed(request, now());
      if (dryRun) return countEntries(outbox, { ...filter, states: ['dead-letter'] });
      return { count: await outbox.discard(filter) };
    },
  });
}

/** Counts in pages, so that the store serves others in between. */
async function countEntries(outbox: Pick<Inspection, 'list'>, filter: EntryFilter): Promise<CountAnswer> {
  const providers = new Map<string, number>();
  let count = 0;
  for (let after: string | undefined; ; ) {
    const page = await outbox.list(filter, { limit: PAGE, ...(after !== undefined && { after }) });
    count += page.entries.length;
    for (const { provider } of page.entries) {
      providers.set(nameOf(provider), (providers.get(nameOf(provider)) ?? 0) + 1);
    }
    if (page.next === undefined) return { count, providers: Object.fromEntries(providers) };
    after = page.next;
  }
}

interface Selected {
  readonly ids?: readonly string[];
  readonly provider?: string;
  readonly type?: string;
  readonly since?: string;
}

function toFilter({ ids, provider, type, since }: Selected, at: number): EntryFilter {
  const name = provider === undefined ? undefined : parseName(provider);
  return {
    ...(ids && { ids }),
    ...(name && { provider: name }),
    ...(type !== undefined && toTypeFilter(type)),
    ...(since !== undefined && { since: parseSince(since, at) }),
  };
}

const KINDS_WITHOUT_TYPE: readonly EntryKind[] = ['flux', 'forward'];

/**
 * The reverse of `typeLabelOf`. Any other text is a prefix of an event type, or an event name (`incident.detected`).
 */
function toTypeFilter(text: string): EntryFilter {
  if (text === UNMAPPED) return { mapped: false };
  const kind = KINDS_WITHOUT_TYPE.find((one) => one === text);
  if (kind) return { kinds: [kind] };
  return { types: [text, `dev.cdevents.${text}.`, `dev.cdeventsx.${text}.`] };
}

/** A request for all entries must say so, because a forgotten field must not replay or discard every entry. */
function narrowed({ all = false, ...selected }: Selected & { readonly all?: boolean }, at: number): EntryFilter {
  const filter = toFilter(selected, at);
  if (Object.keys(filter).length === 0 && !all) {
    throw new ApiError(400, 'FCE_OPTION_INVALID', 'expected ids, provider, type or since, or all: true for every one');
  }
  return filter;
}

const instant = (at: number): string => new Date(at).toISOString();

function toDelivery(entry: EntrySummary): Delivery {
  const { id, state, kind, object, reason, attempts, dueAt, settledAt, lastError } = entry;
  return {
    id,
    state,
    provider: nameOf(entry.provider),
    alert: nameOf(entry.alert),
    kind,
    type: typeLabelOf(entry),
    object,
    reason,
    attempts,
    acceptedAt: instant(entry.acceptedAt),
    expiresAt: instant(entry.expiresAt),
    ...(dueAt !== undefined && { dueAt: instant(dueAt) }),
    ...(settledAt !== undefined && { settledAt: instant(settledAt) }),
    ...(lastError !== undefined && { lastError }),
  };
}

function toDetail(entry: OutboxEntry): DeliveryDetail {
  const { event, metadata, chainId, explanation } = sourceOf(entry);
  const isCDEvent = entry.kind === 'cdevent' && entry.message !== undefined;
  const cdevent: unknown = isCDEvent ? JSON.parse(entry.message ?? 'null') : undefined;
  return {
    ...toDelivery(entry),
    fluxEvent: event.metadata ? { ...event, metadata: withoutToken(event.metadata) } : event,
    metadata: { ...metadata },
    ...(chainId !== undefined && { chainId }),
    ...(entry.partitionKey !== undefined && { partitionKey: entry.partitionKey }),
    ...(isCDEvent && { cdevent }),
    ...(explanation && { explanation: toExplanation(explanation, cdevent) }),
  };
}

/** The source of an entry. The message of a forwarded entry is its event. */
function sourceOf(entry: OutboxEntry): Omit<EntrySource, 'event' | 'chainId'> & {
  readonly event: { readonly metadata?: Readonly<Record<string, string>> };
  readonly chainId?: string;
} {
  if (entry.kind === 'forward') return { event: JSON.parse(entry.message ?? '{}'), metadata: {} };
  return readEntrySource(entry);
}

function toExplanation(stored: StoredExplanation, cdevent: unknown): Explanation {
  const { mapping, rule, tried, triedCount = tried.length } = stored;
  const fields = explainedFields(stored, cdevent);
  return { mapping, ...(rule !== undefined && { rule }), tried: [...tried], triedCount, fields };
}

/** Removes the reconcile token, which no answer may show. */
const withoutToken = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => !/(?:^|\/)token$/i.test(key)));
