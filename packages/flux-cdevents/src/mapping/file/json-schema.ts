import { type ContentField, contentFields, eventNames, type SpecVersion, specVersions } from 'cdevents-sdk';
import { listed } from '../../diagnostics/words.ts';
import { VARIABLES } from '../variables-schema.ts';
import { versionsWith } from './check-type.ts';
import { emitShape, mappingShape, type OpenMappingParts } from './mapping-schema.ts';
import { allEventNames, DRAFT, plain, type Schema, specVersionSchema, unsafe } from './schema-parts.ts';

const CUSTOM_TYPE = '^dev\\.cdeventsx\\.[a-zA-Z0-9]+-[a-zA-Z]+\\.[a-zA-Z]+\\.[0-9]\\.[0-9]\\.[0-9]$';

const ref = (name: string): Schema => ({ $ref: `#/definitions/${name}` });

const CEL = `CEL (https://cel.dev) with the variables ${Object.keys(VARIABLES).join(', ')}. Text has quotes of its own: "'production'".`;

/** Inlined rather than referenced: an editor shows texts beside a reference only after those of its target. */
const expression = (description = 'A CEL expression.'): Schema => ({
  description,
  type: ['string', 'number', 'boolean'],
  pattern: '\\S',
});

const template = (description: string, more: Schema = {}): Schema => ({
  description,
  type: 'object',
  additionalProperties: { anyOf: [expression(), ref('template')] },
  ...more,
});

const parts: OpenMappingParts = {
  specVersion: specVersionSchema(
    'The CDEvents version of what is sent. The annotation of the Provider wins. Default: 0.4.',
  ),
  expression: (description) => unsafe(expression(`${description} ${CEL}`)),
  // The fields depend on the type.
  content: unsafe({
    description:
      'The content of the CDEvent, in the same shape, with CEL expressions as values. A field that is null is left out. It ' +
      'replaces the default content of the type as a whole.',
    type: 'object',
  }),
  customData: unsafe(
    template('Added to the customData of the CDEvent, next to the Flux event under `flux`. A map of CEL expressions.', {
      properties: { flux: false },
    }),
  ),
  type: unsafe({
    description: 'The name of an event, or the full type of a custom event.',
    anyOf: [{ enum: allEventNames }, { type: 'string', pattern: CUSTOM_TYPE }],
  }),
};

/** The JSON Schema of `mapping.yaml` for editors: all that can be checked without reading expressions. */
export function mappingJsonSchema(): Schema {
  const { allOf = [], ...shape } = plain(mappingShape(parts, unsafe(ref('cdevent'))));
  return {
    $schema: DRAFT,
    ...shape,
    allOf: [...(allOf as Schema[]), ...specVersions.map(typesOfVersion)],
    definitions: {
      template: template('A map of CEL expressions.'),
      cdevent: { ...plain(emitShape(parts)), allOf: [...incidentRules, customContent, ...contentRules()] },
    },
  };
}

const implies = (condition: Schema, then: Schema): Schema => ({ if: condition, then });

const where = (types: readonly string[], then: Schema): Schema =>
  implies({ required: ['type'], properties: { type: { enum: types } } }, then);

const incidentRules: readonly Schema[] = [
  where(['incident.detected'], { properties: { incident: { required: ['cause'] } } }),
  where(['incident.resolved'], { properties: { incident: { properties: { oncePer: false } } } }),
  implies({ required: ['incident'] }, { properties: { type: { enum: ['incident.detected', 'incident.resolved'] } } }),
];

const customContent = implies(
  { required: ['type'], properties: { type: { pattern: CUSTOM_TYPE } } },
  { properties: { content: ref('template') } },
);

/** Fewer events when the mapping names an older spec version. */
const typesOfVersion = (version: SpecVersion): Schema => {
  const custom = version === '0.3' ? [] : [{ type: 'string', pattern: CUSTOM_TYPE }];
  const type = { anyOf: [{ enum: eventNames(version) }, ...custom] };
  return implies(
    { required: ['specVersion'], properties: { specVersion: { enum: [version, Number(version)] } } },
    { properties: { rules: { items: { properties: { emit: { items: { properties: { type } } } } } } } },
  );
};

/** The content fields of each event type, of all spec versions that have it. */
function contentRules(): Schema[] {
  const byContent = new Map<string, { types: string[]; content: Schema }>();
  for (const name of allEventNames) {
    const content = mapOf((version) => contentFields(name, version));
    const known = byContent.get(JSON.stringify(content));
    if (known) known.types.push(name);
    else byContent.set(JSON.stringify(content), { types: [name], content });
  }
  return [...byContent.values()].map(({ types, content }) => where(types, { properties: { content } }));
}

type FieldsIn = (version: SpecVersion) => readonly ContentField[] | undefined;

function mapOf(fieldsIn: FieldsIn): Schema {
  const having = specVersions.flatMap((version) => fieldsIn(version) ?? []);
  const fields = [...new Set(having.map(({ name }) => name))];
  const required = fields.filter((name) =>
    specVersions.every(
      (version) => fieldsIn(version)?.find((field) => field.name === name)?.required ?? !fieldsIn(version),
    ),
  );
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(fields.map((name) => [name, fieldSchema(name, fieldsIn)])),
    ...(required.length > 0 && { required }),
  };
}

function fieldSchema(name: string, fieldsIn: FieldsIn): Schema {
  const fieldIn = (version: SpecVersion) => fieldsIn(version)?.find((field) => field.name === name);
  const having = specVersions.flatMap((version) => fieldIn(version) ?? []);
  const description = descriptionOf(name, fieldsIn);
  if (having.some(({ fields }) => fields)) {
    return { description, anyOf: [expression(), mapOf((version) => fieldIn(version)?.fields)] };
  }
  return having.some(({ kind }) => kind === 'object')
    ? { description, anyOf: [expression(), ref('template')] }
    : expression(description);
}

/** `A CEL expression. 'pass' or 'fail' up to 0.4; 'success' or 'failure' from 0.5 on. From 0.4 on.` */
function descriptionOf(name: string, fieldsIn: FieldsIn): string {
  const fieldIn = (version: SpecVersion) => fieldsIn(version)?.find((field) => field.name === name);
  const valuesIn = (version: SpecVersion) => JSON.stringify(fieldIn(version)?.values ?? []);
  const lists = [...new Set(specVersions.map(valuesIn))].filter((list) => list !== '[]');
  const values = lists.map((list) => {
    const text = listed((JSON.parse(list) as string[]).map((value) => `'${value}'`));
    const versions = versionsWith((version) => valuesIn(version) === list);
    return lists.length > 1 ? `${text} ${versions}` : text;
  });
  const missing = specVersions.some((version) => fieldsIn(version) && !fieldIn(version));
  const versions = missing ? versionsWith((version) => fieldIn(version) !== undefined) : '';
  const since = versions && `${versions[0]?.toUpperCase()}${versions.slice(1)}`;
  const kind = kindOf(specVersions.flatMap((version) => fieldIn(version) ?? []));
  const sentences = [`${kind} as a CEL expression`, values.join('; '), since];
  return sentences.flatMap((sentence) => (sentence === '' ? [] : `${sentence}.`)).join(' ');
}

const KINDS = { string: 'Text', list: 'A list', object: 'A map' } as const;

const kindOf = ([field]: readonly ContentField[]): string => KINDS[field?.kind ?? 'string'];
