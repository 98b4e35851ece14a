import Type, { type Static } from 'typebox';
import { ENTRY_STATES } from '../outbox/entry.ts';

/*
 * What goes over the wire at /api/v1: the server validates requests and writes answers by these schemas, the OpenAPI
 * document is made of them, and the command line and the web page take their types from here. Instants are RFC 3339,
 * Providers and Alerts are named `namespace/name` where they are referred to.
 */

const instant = (description: string) => Type.String({ format: 'date-time', description });
const reference = (description: string) =>
  Type.String({ pattern: '^[^/]+/[^/]+$', description, examples: ['flux-system/cdevents-provider'] });

export const StateSchema = Type.Enum([...ENTRY_STATES], {
  description: '`waiting`: it is mapped when its Provider is valid. `delivering`: an attempt is under way.',
});

const type = Type.String({
  minLength: 1,
  description:
    'An event type or its start (`dev.cdevents.incident`), or an event name (`incident.detected`); `flux`, `forward` or `unmapped` for entries without an event type.',
});
const since = Type.String({
  minLength: 1,
  description: 'Accepted at or after: an RFC 3339 date-time, or a duration before now such as `2h`.',
  examples: ['2h', '2026-11-24T07:48:28Z'],
});
const provider = reference('The Provider, `namespace/name`.');

export const ListQuery = Type.Object(
  {
    state: Type.Optional(Type.Array(StateSchema, { description: 'May be given more than once.' })),
    provider: Type.Optional(provider),
    type: Type.Optional(type),
    since: Type.Optional(since),
    id: Type.Optional(Type.String({ minLength: 1, description: 'An entry id or its start, such as a CDEvent id.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Entries a page.' })),
    after: Type.Optional(Type.String({ minLength: 1, description: '`next` of the page before.' })),
  },
  { additionalProperties: false },
);
export type ListQuery = Static<typeof ListQuery>;

const filter = {
  ids: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      maxItems: 1000,
      description: 'Entry ids or their starts, such as CDEvent ids.',
    }),
  ),
  provider: Type.Optional(provider),
  type: Type.Optional(type),
  since: Type.Optional(since),
  all: Type.Optional(
    Type.Boolean({ description: 'Must be true when nothing else narrows the selection.', default: false }),
  ),
};

export const ReplayRequest = Type.Object(
  {
    ...filter,
    states: Type.Optional(
      Type.Array(Type.Enum(['dead-letter', 'delivered']), {
        minItems: 1,
        description: 'Which entries to send again.',
        default: ['dead-letter'],
      }),
    ),
    remap: Type.Optional(
      Type.Boolean({
        description: 'Map the Flux events anew, by the current mapping, instead of sending the same CDEvents.',
        default: false,
      }),
    ),
  },
  { additionalProperties: false },
);
export type ReplayRequest = Static<typeof ReplayRequest>;

export const DiscardRequest = Type.Object(filter, { additionalProperties: false });
export type DiscardRequest = Static<typeof DiscardRequest>;

export const CountAnswer = Type.Object({ count: Type.Integer({ description: 'How many entries changed.' }) });
export type CountAnswer = Static<typeof CountAnswer>;

const delivery = {
  id: Type.String({ description: 'The CDEvent id, a dot and eight digits that stand for the Provider.' }),
  state: StateSchema,
  provider,
  alert: reference('The Alert that selected the event; of a test event, the Provider.'),
  kind: Type.Enum(['cdevent', 'flux', 'forward'], {
    description: 'What is sent: a CDEvent, a Flux event, or the body of a request that is passed on unchanged.',
  }),
  type: Type.String({
    description: 'The event type of a CDEvent, `unmapped` until there is one; the kind of other entries.',
  }),
  object: Type.String({ description: 'The Flux object.', examples: ['HelmRelease/apps/podinfo'] }),
  reason: Type.String({ description: 'The reason of the Flux event.', examples: ['UpgradeSucceeded'] }),
  attempts: Type.Integer({ description: 'Attempts that ended, whatever they came to.' }),
  acceptedAt: instant('When it was stored.'),
  expiresAt: instant('When it becomes a dead letter if it is not delivered before.'),
  dueAt: Type.Optional(instant('When the next attempt is due, while it is neither delivered nor a dead letter.')),
  settledAt: Type.Optional(instant('When it became delivered or a dead letter.')),
  lastError: Type.Optional(Type.String({ description: 'What the last failed attempt came to.' })),
};

export const Delivery = Type.Object(delivery);
export type Delivery = Static<typeof Delivery>;

export const DeliveryPage = Type.Object({
  entries: Type.Array(Delivery, { description: 'Newest first.' }),
  next: Type.Optional(
    Type.String({
      description:
        'Pass as `after` to read on; absent on the last page. With a filter a page may be short, or empty, before that.',
    }),
  ),
});
export type DeliveryPage = Static<typeof DeliveryPage>;

export const Explanation = Type.Object(
  {
    mapping: Type.String({
      description: 'Whose rule it is; when none matched, whose rules were tried.',
      examples: ['mapping rules', 'preset service'],
    }),
    rule: Type.Optional(
      Type.String({
        description: 'The rule that matched; `unmapped` for the custom event of a Flux event that no rule matched.',
        examples: ['upgrade-succeeded'],
      }),
    ),
    tried: Type.Array(Type.String(), { description: 'The last of the rules that were tried, in order.' }),
    triedCount: Type.Integer({ description: 'How many rules were tried.' }),
    fields: Type.Array(
      Type.Object({
        path: Type.String({ examples: ['subject.id', 'content.artifactId', 'customData.pipeline'] }),
        expression: Type.String({ description: 'In CEL.', examples: ['service.id'] }),
        value: Type.Optional(Type.Unknown({ description: 'Absent when the field was left out.' })),
      }),
      { description: 'Where the fields of the CDEvent come from.' },
    ),
  },
  { description: 'How the CDEvent was made. Absent while there is none, and for what an older version stored.' },
);
export type Explanation = Static<typeof Explanation>;

export const DeliveryDetail = Type.Object({
  ...delivery,
  fluxEvent: Type.Unknown({ description: 'The Flux event as it was received, without its reconcile token.' }),
  metadata: Type.Record(Type.String(), Type.String(), { description: 'Merged for the Alert, without prefixes.' }),
  chainId: Type.Optional(Type.String()),
  partitionKey: Type.Optional(Type.String({ description: 'The CloudEvents extension `partitionkey`.' })),
  cdevent: Type.Optional(Type.Unknown({ description: 'Absent for other kinds, and until there is one.' })),
  explanation: Type.Optional(Explanation),
});
export type DeliveryDetail = Static<typeof DeliveryDetail>;

const issue = {
  code: Type.String({ description: 'The kind of fault: docs/errors.md.', examples: ['invalid-value'] }),
  path: Type.String(),
  expected: Type.String(),
  found: Type.String(),
};

export const ProviderInfo = Type.Object({
  namespace: Type.String(),
  name: Type.String(),
  type: Type.Optional(Type.String({ description: 'Absent when the Provider is missing.' })),
  status: Type.Enum(['ready', 'invalid', 'foreign', 'missing'], {
    description:
      '`invalid`: it delivers nothing, its events wait. `foreign`: the notification-controller delivers its events. `missing`: there are entries for it, but no such Provider.',
  }),
  suspend: Type.Boolean(),
  address: Type.Optional(Type.String({ description: 'Absent when it comes from a Secret.' })),
  options: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'The options that its annotations set, with defaults for the others; the mapping by name.',
    }),
  ),
  issues: Type.Array(Type.Object(issue)),
  counts: Type.Object(Object.fromEntries(ENTRY_STATES.map((state) => [state, Type.Integer()])), {
    description: 'Entries by state.',
    additionalProperties: Type.Integer(),
  }),
  oldestPendingAt: Type.Optional(instant('When the oldest undelivered entry was stored.')),
  stopped: Type.Optional(
    Type.Object(
      { reason: Type.String(), at: instant('Since when.') },
      { description: 'The receiver answered 410: nothing is delivered until the Provider changes.' },
    ),
  ),
});
export type ProviderInfo = Static<typeof ProviderInfo>;

export const ProvidersAnswer = Type.Object({ providers: Type.Array(ProviderInfo) });
export type ProvidersAnswer = Static<typeof ProvidersAnswer>;

export const AlertInfo = Type.Object({
  namespace: Type.String(),
  name: Type.String(),
  provider,
  suspend: Type.Boolean(),
  eventSeverity: Type.String(),
  eventSources: Type.Array(Type.Unknown()),
  inclusionList: Type.Array(Type.String()),
  exclusionList: Type.Array(Type.String()),
  eventMetadata: Type.Record(Type.String(), Type.String()),
});
export type AlertInfo = Static<typeof AlertInfo>;

export const AlertsAnswer = Type.Object({ alerts: Type.Array(AlertInfo) });
export type AlertsAnswer = Static<typeof AlertsAnswer>;

export const Problem = Type.Object({
  object: Type.Optional(Type.String({ examples: ['Provider flux-system/hub'] })),
  where: Type.Optional(Type.String({ description: 'File and line, in files mode.' })),
  severity: Type.Enum(['error', 'warning']),
  ...issue,
});
export type Problem = Static<typeof Problem>;

export const ProblemsAnswer = Type.Object({ problems: Type.Array(Problem) });
export type ProblemsAnswer = Static<typeof ProblemsAnswer>;

export const ProviderParams = Type.Object({
  namespace: Type.String({ minLength: 1 }),
  name: Type.String({ minLength: 1 }),
});

export const SendRequest = Type.Object(
  {
    reason: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z][A-Za-z0-9]*$',
        description: 'The reason of a generated test event.',
        default: 'InstallSucceeded',
      }),
    ),
    event: Type.Optional(Type.Unknown({ description: 'A whole Flux event, sent instead of a generated one.' })),
  },
  { additionalProperties: false },
);
export type SendRequest = Static<typeof SendRequest>;

export const SendAnswer = Type.Object({
  entries: Type.Array(Type.Object({ id: Type.String(), type: Type.String() }), {
    description: 'What was stored for delivery; empty when the mapping makes nothing of the event.',
  }),
  skipped: Type.Optional(
    Type.String({ description: 'Why nothing was made: `unmapped`, `ignored`, `unchanged`, `repeated`.' }),
  ),
});
export type SendAnswer = Static<typeof SendAnswer>;

export const ErrorAnswer = Type.Object({
  code: Type.String({ description: 'Stable; docs/errors.md explains each code.', examples: ['FCE_NOT_FOUND'] }),
  message: Type.String(),
  ids: Type.Optional(Type.Array(Type.String(), { description: 'The ids that the start of an id matches.' })),
});
export type ErrorAnswer = Static<typeof ErrorAnswer>;
