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

const CAPTURE = 'A text $name is the same value everywhere in the case; null is for what must not be there.';

const object = Type.Object(
  {
    kind: Type.Optional(text('a kind', 'HelmRelease when left out.')),
    namespace: Type.Optional(text('a namespace', 'apps when left out.')),
    name: Type.Optional(text('a name', 'podinfo when left out.')),
    apiVersion: Type.Optional(text('an API version', 'That of the kind in Flux 2 when left out.')),
    uid: Type.Optional(text('a uid', 'None when left out. Another one is another object of the same name.')),
    resourceVersion: Type.Optional(quoted('a resource version', 'None when left out.')),
  },
  { ...closed, ...says('a map with kind, namespace and name', 'The Flux object that the event is about.') },
);

const writtenEvent = Type.Object(
  {
    reason: text('the reason of the event', 'Such as UpgradeSucceeded.'),
    involvedObject: Type.Optional(object),
    severity: Type.Optional(
      Type.Enum(['info', 'error'], says('info or error', 'error for reasons that Flux reports as such when left out.')),
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
        'As the controller sends it. Keys may leave out their prefix: revision and others of the controllers get that of ' +
          'the object, all others that of a user, event.toolkit.fluxcd.io/.',
      ),
    ),
    reportingController: Type.Optional(text('a controller', 'That of the kind when left out.')),
    reportingInstance: Type.Optional(text('an instance', 'None when left out.')),
    action: Type.Optional(text('an action', 'As Flux 2.10 sends it. None when left out.')),
    relatedObject: Type.Optional(texts('a map of texts', 'As Flux 2.10 sends it. None when left out.')),
  },
  { ...closed, ...says('a Flux event such as {reason: UpgradeSucceeded}', 'A Flux event, as far as it matters.') },
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
  rule: Type.Optional(text('the name of a rule', 'The rule that is to match.')),
  expect: Type.Optional(
    Type.Array(expected(parts), {
      ...says('a list of CDEvents ([] for none)', 'All CDEvents that are to come of the event, [] for none.'),
    }),
  ),
  skipped: Type.Optional(
    Type.Enum([...SKIP_REASONS], says(listed(SKIP_REASONS), 'Why nothing is to come of the event.')),
  ),
  error: Type.Optional(text('a part of an error', 'What the error has in it with which a rule is to fail.')),
});

const caseShape = (parts: OpenCaseParts) => {
  const { event, ...outcome } = stepFields(parts);
  const step = Type.Object(
    { event, ...outcome },
    { ...closed, ...says('a map with event and expect', 'An event, after those before it, and what comes of it.') },
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
          ...says(
            `a list of 1 to ${MAX_STEPS} steps`,
            'Events that follow on each other: what is remembered carries on.',
          ),
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
        ...says(`a list of 1 to ${MAX_CASES} cases`, 'Each stands for itself: nothing is remembered from another.'),
      }),
    },
    { ...closed, ...says('a map with cases', 'What a mapping is to make of which Flux events.') },
  );
