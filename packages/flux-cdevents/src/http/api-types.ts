import Type, { type Static } from 'typebox';
import { ENTRY_STATES } from '../outbox/entry.ts';

/*
 * The requests and answers of /api/v1. The server validates requests and serializes answers with these schemas,
 * generates the OpenAPI document from them, and the command line and the web page import their types. Instants are RFC
 * 3339 texts. References to Providers and Alerts have the form `namespace/name`.
 */

const instant = (description: string) => Type.String({ format: 'date-time', description });
const reference = (description: string) =>
  Type.String({ pattern: '^[^/]+/[^/]+$', description, examples: ['flux-system/cdevents-provider'] });

export const StateSchema = Type.Enum([...ENTRY_STATES], {
  description: '`waiting`: the entry is mapped once its Provider is valid. `delivering`: an attempt is in progress.',
});

const type = Type.String({
  minLength: 1,
  description:
    'An event type or a prefix of one (`dev.cdevents.incident`), or an event name (`incident.detected`); `flux`, `forward` or `unmapped` for entries without an event type.',
});
const since = Type.String({
  minLength: 1,
  description: 'Accepted at or after this time: an RFC 3339 date-time, or a duration before now such as `2h`.',
  examples: ['2h', '2026-11-24T07:48:28Z'],
});
const provider = reference('The Provider, `namespace/name`.');

export const ListQuery = Type.Object(
  {
    state: Type.Optional(Type.Array(StateSchema, { description: 'Can be repeated.' })),
    provider: Type.Optional(provider),
    type: Type.Optional(type),
    since: Type.Optional(since),
    id: Type.Optional(
      Type.String({ minLength: 1, description: 'An entry id or a prefix of one, such as a CDEvent id.' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Entries per page.' })),
    after: Type.Optional(Type.String({ minLength: 1, description: '`next` of the previous page.' })),
  },
  { additionalProperties: false },
);
export type ListQuery = Static<typeof ListQuery>;

const filter = {
  ids: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      maxItems: 1000,
      description: 'Entry ids or prefixes of them, such as CDEvent ids.',
    }),
  ),
  provider: Type.Optional(provider),
  type: Type.Optional(type),
  since: Type.Optional(since),
  all: Type.Optional(
    Type.Boolean({ description: 'Must be true when no other field narrows the selection.', default: false }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: 'Count the entries, and change nothing.', default: false })),
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
        description: 'Map the Flux events again with the current mapping, instead of sending the same CDEvents.',
        default: false,
      }),
    ),
  },
  { additionalProperties: false },
);
export type ReplayRequest = Static<typeof ReplayRequest>;

export const DiscardRequest = Type.Object(filter, { additionalProperties: false });
export type DiscardRequest = Static<typeof DiscardRequest>;

export const CountAnswer = Type.Object({
  count: Type.Integer({ description: 'How many entries changed, or in a dry run would change.' }),
  providers: Type.Optional(
    Type.Record(Type.String(), Type.Integer(), {
      description: 'In a dry run, how many entries of each Provider, `namespace/name`.',
    }),
  ),
});
export type CountAnswer = Static<typeof CountAnswer>;

const delivery = {
  id: Type.String({ description: 'The CDEvent id, a dot and eight hexadecimal digits that identify the Provider.' }),
  state: StateSchema,
  provider,
  alert: reference('The Alert that selected the event. For a test event, the Provider.'),
  kind: Type.Enum(['cdevent', 'flux', 'forward'], {
    description: 'What is sent: a CDEvent, a Flux event, or the body of a request that is forwarded unchanged.',
  }),
  type: Type.String({
    description: 'The event type of a CDEvent, or `unmapped` until the event is mapped. For other entries, the kind.',
  }),
  object: Type.String({ description: 'The Flux object.', examples: ['HelmRelease/apps/podinfo'] }),
  reason: Type.String({ description: 'The reason of the Flux event.', examples: ['UpgradeSucceeded'] }),
  attempts: Type.Integer({ description: 'Attempts that ended, successful or not.' }),
  acceptedAt: instant('When the entry was stored.'),
  expiresAt: instant('When the entry becomes a dead letter unless it is delivered before.'),
  dueAt: Type.Optional(instant('When the next attempt is due. Absent once the entry is delivered or a dead letter.')),
  settledAt: Type.Optional(instant('When the entry was delivered or became a dead letter.')),
  lastError: Type.Optional(Type.String({ description: 'The error of the last failed attempt.' })),
};

export const Delivery = Type.Object(delivery);
export type Delivery = Static<typeof Delivery>;

export const DeliveryPage = Type.Object({
  entries: Type.Array(Delivery, { description: 'Newest first.' }),
  next: Type.Optional(
    Type.String({
      description:
        'Pass this as `after` to get the next page. Absent on the last page. With a filter, earlier pages may be short or empty.',
    }),
  ),
});
export type DeliveryPage = Static<typeof DeliveryPage>;

export const Explanation = Type.Object(
  {
    mapping: Type.String({
      description: 'The source of the rule that matched. If none matched, the source of the rules that were tried.',
      examples: ['mapping rules', 'preset service'],
    }),
    rule: Type.Optional(
      Type.String({
        description: 'The rule that matched; `unmapped` for the custom event of a Flux event that no rule matched.',
        examples: ['upgrade-succeeded'],
      }),
    ),
    tried: Type.Array(Type.String(), { description: 'The last rules that were tried, in order.' }),
    triedCount: Type.Integer({ description: 'How many rules were tried.' }),
    fields: Type.Array(
      Type.Object({
        path: Type.String({ examples: ['subject.id', 'content.artifactId', 'customData.pipeline'] }),
        expression: Type.String({ description: 'The CEL expression.', examples: ['service.id'] }),
        value: Type.Optional(Type.Unknown({ description: 'Absent when the field was left out.' })),
      }),
      { description: 'Which expression produced each field of the CDEvent.' },
    ),
  },
  {
    description: 'How the CDEvent was produced. Absent until there is one, and for entries stored by an older version.',
  },
);
export type Explanation = Static<typeof Explanation>;

export const DeliveryDetail = Type.Object({
  ...delivery,
  fluxEvent: Type.Unknown({ description: 'The Flux event as it was received, without its reconcile token.' }),
  metadata: Type.Record(Type.String(), Type.String(), {
    description: 'The metadata merged for the Alert, without prefixes.',
  }),
  chainId: Type.Optional(Type.String()),
  partitionKey: Type.Optional(Type.String({ description: 'The CloudEvents extension `partitionkey`.' })),
  cdevent: Type.Optional(Type.Unknown({ description: 'Absent for other kinds, and until the event is mapped.' })),
  explanation: Type.Optional(Explanation),
});
export type DeliveryDetail = Static<typeof DeliveryDetail>;

const issue = {
  code: Type.String({ description: 'The kind of fault, as explained in docs/errors.md.', examples: ['invalid-value'] }),
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
      '`invalid`: it delivers nothing, and its events wait. `foreign`: the notification-controller delivers its events. `missing`: the Provider does not exist, but has entries.',
  }),
  suspend: Type.Boolean(),
  address: Type.Optional(Type.String({ description: 'Absent when it comes from a Secret.' })),
  options: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'The options that its annotations set, with defaults for the others. `mapping` is a name.',
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
      { reason: Type.String(), at: instant('When it was stopped.') },
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
    description: 'The entries stored for delivery. Empty when the mapping produces no CDEvent.',
  }),
  skipped: Type.Optional(
    Type.String({ description: 'Why there are no entries: `unmapped`, `ignored`, `unchanged` or `repeated`.' }),
  ),
});
export type SendAnswer = Static<typeof SendAnswer>;

export const ErrorAnswer = Type.Object({
  code: Type.String({ description: 'A stable code. docs/errors.md explains each one.', examples: ['FCE_NOT_FOUND'] }),
  message: Type.String(),
  ids: Type.Optional(Type.Array(Type.String(), { description: 'The ids that match the given prefix.' })),
});
export type ErrorAnswer = Static<typeof ErrorAnswer>;
