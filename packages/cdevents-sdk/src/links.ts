import { Type } from 'typebox';
import { anyObject, closed, dateTime, open, optional, type Static, type TSchema, word } from './fields.ts';

const contextReference = open({ contextId: word });
const tags = optional(anyObject);

const embeddedEnd = closed({ linkType: Type.Literal('END'), from: optional(contextReference), tags });
const embeddedPath = closed({ linkType: Type.Literal('PATH'), from: contextReference, tags });
const embeddedRelation = closed({
  linkType: Type.Literal('RELATION'),
  linkKind: word,
  target: open({ contextId: optional(word) }),
  tags,
});

export const embeddedLink = Type.Union([embeddedEnd, embeddedPath, embeddedRelation]);
export const embeddedLinks = Type.Array(embeddedLink);

const standalone = { chainId: word, timestamp: dateTime, tags };

export const linkSchemas = {
  START: closed({ ...standalone, linkType: Type.Literal('START'), start: contextReference }),
  END: closed({ ...standalone, linkType: Type.Literal('END'), from: contextReference, end: contextReference }),
  PATH: closed({ ...standalone, linkType: Type.Literal('PATH'), from: contextReference, to: contextReference }),
  RELATION: closed({
    ...standalone,
    linkType: Type.Literal('RELATION'),
    linkKind: optional(word),
    source: contextReference,
    target: contextReference,
  }),
} as const satisfies Record<LinkType, TSchema>;

/** START and END mark the ends of a chain, PATH leads from one event to the next, RELATION to an event outside the chain. */
export type LinkType = 'START' | 'END' | 'PATH' | 'RELATION';

/**
 * A link inside `context.links`, seen from the event that carries it: 0.4 and later.
 * @see https://github.com/cdevents/spec/blob/v0.4.1/links.md
 */
export type EmbeddedLink = Static<typeof embeddedLink>;

/**
 * A link outside `context.links`, of the given type.
 * @see https://github.com/cdevents/spec/blob/v0.4.1/links.md
 */
export type Link<T extends LinkType = LinkType> = { [K in T]: Static<(typeof linkSchemas)[K]> }[T];
