import { CDEventsError, type CDEventsErrorCode } from './errors.ts';
import type { CDEvent } from './event.ts';
import { collectIssues, describeValue, issueAt, type ValidationIssue } from './issue.ts';
import { type Link, type LinkType, linkSchemas } from './links.ts';
import { type CheckedSchema, schemaFor, schemaForLink } from './schema.ts';

/** The result of {@link safeParse}: the event, or the reasons why the input is not a CDEvent. */
export type ParseResult =
  | { readonly success: true; readonly event: CDEvent }
  | {
      readonly success: false;
      readonly code: Extract<CDEventsErrorCode, 'CDE_INVALID_JSON' | 'CDE_UNKNOWN_TYPE' | 'CDE_INVALID_EVENT'>;
      readonly issues: readonly ValidationIssue[];
    };

type Outcome = Omit<Extract<ParseResult, { success: false }>, 'success'>;

function issuesOf({ schema, check, title }: CheckedSchema, value: unknown): ValidationIssue[] {
  if (check(value)) return [];
  const issues = collectIssues(schema, value);
  return issues.length > 0 ? issues : [issueAt('', title, describeValue(value))];
}

function examine(event: unknown): Outcome | undefined {
  const context = typeof event === 'object' && event !== null ? (event as { context?: unknown }).context : undefined;
  if (typeof context !== 'object' || context === null) {
    const [path, found] = typeof event === 'object' && event !== null ? ['context', context] : ['', event];
    return { code: 'CDE_INVALID_EVENT', issues: [issueAt(path, 'object', describeValue(found))] };
  }
  const schema = schemaFor(context);
  if (!schema) {
    const expected = 'event type of CDEvents 0.3.0, 0.4.1 or 0.5.1';
    const { type } = context as { type?: unknown };
    return { code: 'CDE_UNKNOWN_TYPE', issues: [issueAt('context.type', expected, describeValue(type))] };
  }
  const issues = issuesOf(schema, event);
  return issues.length > 0 ? { code: 'CDE_INVALID_EVENT', issues } : undefined;
}

/**
 * Lists what is wrong with an event of any type and spec version; the list is empty when the event is valid. A valid
 * event costs one compiled check, about a microsecond. The issues are collected only when that check fails.
 */
export const validate = (event: unknown): readonly ValidationIssue[] => examine(event)?.issues ?? [];

/**
 * Reads an event of any of the three spec versions, custom events included, and returns it or what is wrong with it.
 * @param input JSON text, or the value parsed from it; an object is returned, not copied
 */
export function safeParse(input: unknown): ParseResult {
  let event = input;
  if (typeof input === 'string') {
    try {
      event = JSON.parse(input);
    } catch {
      const found = `${input.length} characters that are not`; // the text itself may hold anything, so it is not shown
      return { success: false, code: 'CDE_INVALID_JSON', issues: [issueAt('', 'JSON text', found)] };
    }
  }
  const refused = examine(event);
  return refused ? { success: false, ...refused } : { success: true, event: event as CDEvent };
}

const refusals = {
  CDE_INVALID_JSON: 'Not a CDEvent',
  CDE_UNKNOWN_TYPE: 'Unknown CDEvent',
  CDE_INVALID_EVENT: 'Invalid CDEvent',
} as const;

/**
 * Reads an event of any of the three spec versions, custom events included.
 * @param input JSON text, or the value parsed from it; an object is returned, not copied
 * @throws {CDEventsError} `CDE_INVALID_JSON`, `CDE_UNKNOWN_TYPE` or `CDE_INVALID_EVENT`, with every issue
 */
export function parse(input: unknown): CDEvent {
  const result = safeParse(input);
  if (result.success) return result.event;
  throw new CDEventsError(result.code, refusals[result.code], { issues: result.issues });
}

/** Lists what is wrong with a link outside `context.links`; the list is empty when the link is valid. */
export function validateLink(link: unknown): readonly ValidationIssue[] {
  if (typeof link !== 'object' || link === null) return [issueAt('', 'object', describeValue(link))];
  const { linkType } = link as { linkType?: unknown };
  const schema = schemaForLink(linkType);
  if (schema) return issuesOf(schema, link);
  const expected = `one of ${Object.keys(linkSchemas).map(describeValue).join(', ')}`;
  return [issueAt('linkType', expected, describeValue(linkType))];
}

/** Whether a value is a valid link outside `context.links`, of the given type or of any type. */
export const isLink = <T extends LinkType = LinkType>(value: unknown, linkType?: T): value is Link<T> =>
  validateLink(value).length === 0 && (linkType === undefined || (value as Link).linkType === linkType);
