import Type, { type TSchema } from 'typebox';
import { presetNames } from '../presets/presets.ts';
import { closed, says } from './schema-parts.ts';

export const MAX_RULES = 500;
export const MAX_EMITS = 20;
const MAX_NAME_LENGTH = 100;

/** The parts of a mapping that a schema describes but only the reader can check. */
export interface OpenMappingParts {
  readonly specVersion: TSchema;
  readonly expression: (description: string) => TSchema;
  /** Maps of expressions. */
  readonly content: TSchema;
  readonly customData: TSchema;
  readonly type: TSchema;
}

const name = (expected: string, description: string) =>
  Type.String({
    pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$',
    maxLength: MAX_NAME_LENGTH,
    ...says(`${expected}: at most ${MAX_NAME_LENGTH} lower case letters, digits and -`, description),
  });

const subjectShape = ({ expression }: OpenMappingParts) =>
  Type.Object(
    {
      id: Type.Optional(expression('Gives the `subject.id`.')),
      source: Type.Optional(expression('Gives the `subject.source`; the `context.source` when left out.')),
    },
    {
      ...closed,
      ...says(
        'a map with id or source',
        'What the CDEvent is about. A field that is left out has the default of the type.',
      ),
    },
  );

const incidentShape = ({ expression }: OpenMappingParts) =>
  Type.Object(
    {
      cause: Type.Optional(
        name(
          'the name of a cause',
          'incident.detected opens the incident of the object for this cause; incident.resolved takes it away, or all ' +
            'causes when it names none.',
        ),
      ),
      oncePer: Type.Optional(
        expression('While the incident is open, incident.detected is sent again when this value changes.'),
      ),
    },
    {
      ...closed,
      ...says(
        'a map with cause or oncePer ({} for any cause)',
        'Ties incident.detected and incident.resolved together: an object has at most one open incident, detected is ' +
          'sent when it opens, resolved when its last cause is gone. Without it each is sent whenever the rule matches.',
      ),
    },
  );

/** One CDEvent that a rule makes. */
export const emitShape = (parts: OpenMappingParts) =>
  Type.Object(
    {
      type: parts.type,
      subject: Type.Optional(subjectShape(parts)),
      content: Type.Optional(parts.content),
      customData: Type.Optional(parts.customData),
      incident: Type.Optional(incidentShape(parts)),
    },
    { ...closed, ...says('a map such as {type: service.deployed}', 'A CDEvent that the rule makes.') },
  );

const ruleShape = (parts: OpenMappingParts, emit: TSchema) =>
  Type.Object(
    {
      name: name('the name of the rule', 'Names the rule in explanations and errors. Unique in the mapping.'),
      optional: Type.Optional(
        name('a name that enable can list', 'The rule applies only when `enable` lists this name.'),
      ),
      match: parts.expression('True for the Flux events that the rule handles. The first rule that matches wins.'),
      emit: Type.Array(emit, {
        maxItems: MAX_EMITS,
        ...says(
          `a list of at most ${MAX_EMITS} CDEvents ([] for none)`,
          'The CDEvents to make of the event, each of a different type. [] ignores the event on purpose.',
        ),
      }),
    },
    { ...closed, ...says('a map with name, match and emit', 'Turns the Flux events that it matches into CDEvents.') },
  );

/** The shape of a `mapping.yaml`, the same for the reader and for editors. */
export const mappingShape = (parts: OpenMappingParts, emit: TSchema = emitShape(parts)) =>
  Type.Object(
    {
      specVersion: Type.Optional(parts.specVersion),
      preset: Type.Optional(
        Type.Enum([...presetNames], {
          ...says(
            'the name of a preset: rfc, service or none',
            'The built-in rules that follow these. The annotation of the Provider wins. Default: rfc.',
          ),
        }),
      ),
      enable: Type.Optional(
        Type.Array(name('a name that a rule has as optional', 'A name that rules have as `optional`.'), {
          ...says(
            'a list of the names that optional rules have',
            'Which optional rules are in force, of these and of the preset: of service, drift and artifacts.',
          ),
        }),
      ),
      rules: Type.Optional(
        Type.Array(ruleShape(parts, emit), {
          maxItems: MAX_RULES,
          ...says(`a list of at most ${MAX_RULES} rules`, 'Tried in order; the first that matches an event wins.'),
        }),
      ),
    },
    { ...closed, ...says('a map with rules', 'How Flux events become CDEvents.') },
  );
