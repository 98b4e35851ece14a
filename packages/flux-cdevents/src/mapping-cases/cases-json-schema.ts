import { allEventNames, DRAFT, plain, type Schema, specVersionSchema, unsafe } from '../mapping/file/schema-parts.ts';
import { casesShape, type OpenCaseParts } from './cases-schema.ts';

/** A full event type, or the name of a custom event. */
const OTHER_TYPE =
  '^(dev\\.cdeventsx?\\.)?[a-zA-Z0-9-]+\\.[a-zA-Z]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$|^[a-zA-Z0-9]+-[a-zA-Z]+\\.[a-zA-Z]+$';

const parts: OpenCaseParts = {
  specVersion: specVersionSchema('The CDEvents version. Wins over what the mapping says. Default: 0.4.'),
  event: () =>
    unsafe({
      anyOf: [
        { $ref: '#/definitions/event' },
        { description: 'The file of a Flux event as JSON, relative to this file.', type: 'string', minLength: 1 },
      ],
    }),
  type: unsafe({
    description: 'The name of an event, such as service.upgraded, or a full type.',
    anyOf: [{ enum: allEventNames }, { type: 'string', pattern: OTHER_TYPE }],
  }),
};

/** The JSON Schema of a file of cases, for editors. */
export function casesJsonSchema(): Schema {
  let event: Schema = {};
  const shape = casesShape({
    ...parts,
    event: (written) => {
      event = plain(written);
      return parts.event(written);
    },
  });
  return { $schema: DRAFT, title: 'cases of flux-cdevents mapping test', ...plain(shape), definitions: { event } };
}
