import Type, { type TSchema } from 'typebox';
import { listed } from '../diagnostics/words.ts';
import { SKIP_REASONS } from '../map/convert-event.ts';
import { closed, says } from '../mapping/file/schema-parts.ts';
import { presetNames } from '../mapping/presets/presets.ts';

const MAX_CASES = 2000;
const MAX_STEPS = 200;

/** The parts of a file of cases that a schema describes in two ways: strictly for editors, openly for the reader. */
export interface OpenCaseParts {
  readonly specVersion: TSchema;
  /** An event, or the path of its file. */
  readonly event: (written: TSchema) => TSchema;
  readonly type: TSchema;
}

const text = (expected: string, description: string) => Type.String({ minLength: 1, ...says(expected, description) });
const quoted = (what: string, description: string) => Type.String(says(what, description));
const texts = (expected: string, description: string) =>
  Type.Record(Type.String(), Type.String(says('a text', 'A text.')), {
    ...says(expected, description),
  });
const reference = (description: string) =>
  Type.String({ pattern: '^[^/]+/[^/]+$', ...says('namespace/name', description) });
const anyMap = (description: string) =>
  Type.Record(Type.String(), Type.Unknown(), says('a map of what is expected', description));

const CAPTURE =
  'A string $name stands for the same value throughout the case; null means that the field must be absent.';

const object = Type.Object(
  {
    kind: Type.Optional(text('a kind', 'HelmRelease when left out.')),
    namespace: Type.Optional(text('a namespace', 'apps when left out.')),
    name: Type.Optional(text('a name', 'podinfo when left out.')),
    apiVersion: Type.Optional(text('an API version', 'That of the kind in Flux 2 when left out.')),
    uid: Type.Optional(
      text('a uid', 'None when left out. A different uid means a different object with the same name.'),
    ),
    resourceVersion: Type.Optional(quoted('a resource version', 'None when left out.')),
  },
  { ...closed, ...says('a map with kind, namespace and name', 'The Flux object that the event is about.') },
);

const writtenEvent = Type.Object(
  {
    reason: text('the reason of the event', 'Such as UpgradeSucceeded.'),
    involvedObject: Type.Optional(object),
    severity: Type.Optional(
      Type.Enum(
        ['info', 'error'],
        says('info or error', 'When left out: error for the reasons that Flux reports with that severity, else info.'),
      ),
    ),
    timestamp: Type.Optional(
      Type.String({
        format: 'date-time',
        ...says('an RFC 3339 date-time', 'One minute after the event before it when left out.'),
      }),
    ),
    message: Type.Optional(
      quoted('the message', 'The reason when left out. Helm charts and releases are read from it.'),
    ),
    metadata: Type.Optional(
      texts(
        'a map of texts',
        'As the controller sends it. Prefixes may be left out: revision and other keys of the controllers get the prefix ' +
          'of the object, and all others get event.toolkit.fluxcd.io/.',
      ),
    ),
    reportingController: Type.Optional(text('a controller', 'That of the kind when left out.')),
    reportingInstance: Type.Optional(text('an instance', 'None when left out.')),
    action: Type.Optional(text('an action', 'As Flux 2.10 sends it. None when left out.')),
    relatedObject: Type.Optional(texts('a map of texts', 'As Flux 2.10 sends it. None when left out.')),
  },
  {
    ...closed,
    ...says('a Flux event such as {reason: UpgradeSucceeded}', 'A Flux event; only the fields that matter are needed.'),
  },
);

const expected = ({ type }: OpenCaseParts) =>
  Type.Object(
    {
      type,
      context: Type.Optional(anyMap(`Of its context. ${CAPTURE}`)),
      subject: Type.Optional(
        Type.Object(
          {
            id: Type.Optional(Type.Unknown({ description: CAPTURE })),
            source: Type.Optional(Type.Unknown({ description: CAPTURE })),
            type: Type.Optional(Type.Unknown({ description: CAPTURE })),
            content: Type.Optional(anyMap(`Of its content. ${CAPTURE}`)),
          },
          { ...closed, ...says('a map with id, source or content', 'Of its subject.') },
        ),
      ),
      customData: Type.Optional(Type.Unknown({ description: `Of its customData. ${CAPTURE}` })),
    },
    {
      ...closed,
      ...says('a map such as {type: service.upgraded}', 'A CDEvent, in part: what is not named does not matter.'),
    },
  );

const stepFields = (parts: OpenCaseParts) => ({
  event: parts.event(writtenEvent),
  rule: Type.Optional(text('the name of a rule', 'The rule that should match.')),
  expect: Type.Optional(
    Type.Array(expected(parts), {
      ...says('a list of CDEvents ([] for none)', 'All CDEvents that the event should make, [] for none.'),
    }),
  ),
  skipped: Type.Optional(
    Type.Enum([...SKIP_REASONS], says(listed(SKIP_REASONS), 'Why the event should make no CDEvent.')),
  ),
  error: Type.Optional(text('a part of an error', 'A part of the error with which a rule should fail.')),
});

const caseShape = (parts: OpenCaseParts) => {
  const { event, ...outcome } = stepFields(parts);
  const step = Type.Object(
    { event, ...outcome },
    {
      ...closed,
      ...says('a map with event and expect', 'An event, and what is expected of it after the steps before it.'),
    },
  );
  return Type.Object(
    {
      name: text('the name of the case', 'What the case is about. Unique in the file.'),
      eventMetadata: Type.Optional(
        texts('a map of texts', 'The eventMetadata of the Alert, in place of that of the file.'),
      ),
      event: Type.Optional(event),
      ...outcome,
      steps: Type.Optional(
        Type.Array(step, {
          minItems: 1,
          maxItems: MAX_STEPS,
          ...says(`a list of 1 to ${MAX_STEPS} steps`, 'Events one after the other: what is remembered carries over.'),
        }),
      ),
    },
    { ...closed, ...says('a map with name, event and expect, or name and steps', 'One case.') },
  );
};

/** The shape of a file of cases, the same for the reader and for editors. */
export const casesShape = (parts: OpenCaseParts) =>
  Type.Object(
    {
      mapping: Type.Optional(text('the file of a mapping', 'The mapping, relative to this file.')),
      preset: Type.Optional(
        Type.Enum([...presetNames], {
          ...says('the name of a preset: rfc, service or none', 'Wins over what the mapping says. Default: rfc.'),
        }),
      ),
      specVersion: Type.Optional(parts.specVersion),
      cluster: Type.Optional(text('the name of a cluster', 'The cluster that events come from. None when left out.')),
      source: Type.Optional(text('a template of context.source', 'As the annotation source of a Provider.')),
      unmapped: Type.Optional(
        Type.Enum(['skip', 'custom'], says('skip or custom', 'As the annotation unmapped. Default: skip.')),
      ),
      unchanged: Type.Optional(
        Type.Enum(['skip', 'send'], says('skip or send', 'As the annotation unchanged. Default: skip.')),
      ),
      provider: Type.Optional(reference('The Provider, as expressions see it. Default: default/convert.')),
      alert: Type.Optional(reference('The Alert, as expressions see it. Default: default/convert.')),
      eventMetadata: Type.Optional(texts('a map of texts', 'The eventMetadata of the Alert.')),
      cases: Type.Array(caseShape(parts), {
        minItems: 1,
        maxItems: MAX_CASES,
        ...says(`a list of 1 to ${MAX_CASES} cases`, 'Each case is independent: nothing is remembered from another.'),
      }),
    },
    { ...closed, ...says('a map with cases', 'Which CDEvents a mapping should make of which Flux events.') },
  );
