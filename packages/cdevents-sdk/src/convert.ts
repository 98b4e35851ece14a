import { CDEventsError } from './errors.ts';
import { type CDEvent, type Context, specVersionOf } from './event.ts';
import { describeEvent, type EventName, eventTypeOf, parseEventType } from './event-type.ts';
import { issueAt, strayField, type ValidationIssue } from './issue.ts';
import { contentSchema } from './schema.ts';
import { fullSpecVersions, type SpecVersion, specVersionField } from './spec-version.ts';
import { parse, validate } from './validate.ts';
import { vocabulary } from './vocabulary.ts';

interface Schema {
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean;
}

/** The fields and values that 0.5 renamed, both ways. */
const otherNames: Readonly<Record<string, string>> = { url: 'uri', uri: 'url' };
const otherValues: Readonly<Record<string, string>> = {
  pass: 'success',
  fail: 'failure',
  success: 'pass',
  failure: 'fail',
};

const since04 = ['schemaUri', 'chainId', 'links'] as const satisfies readonly (keyof Context)[];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What an event is being converted to, and the fields that would be lost. */
interface Conversion {
  readonly target: string;
  readonly losses: ValidationIssue[];
}

const lose = ({ target, losses }: Conversion, path: string): void => void losses.push(strayField(path, target));

function convertValue(value: unknown, from: Schema, to: Schema, path: string, conversion: Conversion): unknown {
  if (isObject(value)) return convertFields(value, from, to, path, conversion);
  if (typeof value !== 'string' || !from.enum || !to.enum || to.enum.includes(value)) return value;
  const renamed = otherValues[value];
  return renamed !== undefined && to.enum.includes(renamed) ? renamed : value; // if not, validation reports it
}

function convertFields(
  fields: Record<string, unknown>,
  from: Schema,
  to: Schema,
  path: string,
  conversion: Conversion,
): Record<string, unknown> {
  const converted: Record<string, unknown> = {};
  const { properties = {}, additionalProperties } = to;
  for (const [name, value] of Object.entries(fields)) {
    const source = from.properties?.[name];
    const renamed = otherNames[name];
    const key = Object.hasOwn(properties, name) || renamed === undefined ? name : renamed;
    const target = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (source && target) converted[key] = convertValue(value, source, target, `${path}.${name}`, conversion);
    else if (additionalProperties !== false && !source) converted[name] = value;
    else lose(conversion, `${path}.${name}`);
  }
  return converted;
}

function convertContext(context: Context, type: string, specVersion: SpecVersion, conversion: Conversion): Context {
  const { version: _version, specversion: _specversion, type: _type, ...rest } = context;
  if (specVersion === '0.3') {
    for (const field of since04) {
      if (rest[field] === undefined) continue;
      lose(conversion, `context.${field}`);
      delete rest[field];
    }
  }
  return { [specVersionField(specVersion)]: fullSpecVersions[specVersion], ...rest, type };
}

function convertStandard(event: CDEvent, name: EventName, from: SpecVersion, to: SpecVersion): CDEvent {
  const type = eventTypeOf(name, to);
  if (!type) {
    const issue = issueAt('context.type', `event of CDEvents ${fullSpecVersions[to]}`, name);
    throw new CDEventsError('CDE_LOSSY_CONVERSION', `No ${describeEvent(name, to)}`, { issues: [issue] });
  }
  const conversion: Conversion = { target: describeEvent(name, to), losses: [] };
  const { type: _type, content, ...subject } = event.subject;
  const converted: CDEvent = {
    ...event,
    context: convertContext(event.context, type, to, conversion),
    subject: {
      ...subject,
      ...(to !== '0.5' && { type: vocabulary[name].subjectType }),
      content: convertFields(
        content,
        contentSchema(name, from) as Schema,
        contentSchema(name, to) as Schema,
        'subject.content',
        conversion,
      ),
    },
  };
  return orThrow(converted, conversion);
}

function convertCustom(event: CDEvent, subjectType: string, to: SpecVersion): CDEvent {
  const target = `a custom event of CDEvents ${fullSpecVersions[to]}`;
  const conversion: Conversion = { target, losses: [] };
  if (to === '0.3') {
    const issue = issueAt('context.type', 'event of CDEvents 0.3.0, which has no custom ones', event.context.type);
    throw new CDEventsError('CDE_LOSSY_CONVERSION', 'No custom event of CDEvents 0.3.0', { issues: [issue] });
  }
  const { type, ...subject } = event.subject;
  // 0.5 derives the subject's type from the type of the event, so there is no field for a different one.
  if (to === '0.5' && type !== subjectType) lose(conversion, 'subject.type');
  const converted: CDEvent = {
    ...event,
    context: convertContext(event.context, event.context.type, to, conversion),
    subject: to === '0.5' ? subject : { ...subject, type: subjectType },
  };
  return orThrow(converted, conversion);
}

function orThrow(converted: CDEvent, { target, losses }: Conversion): CDEvent {
  const issues = [...losses, ...validate(converted)];
  if (issues.length === 0) return converted;
  throw new CDEventsError('CDE_LOSSY_CONVERSION', `Cannot be ${target}`, { issues });
}

/**
 * Converts an event to another spec version, newer or older. Renamed fields and values are translated (`url` and `uri`,
 * `pass` and `success`, `fail` and `failure`, `context.version` and `context.specversion`); `subject.type` is added or
 * removed. The given event is not modified, but the result may share parts with it; an event that already has the
 * requested version is returned itself.
 * @throws {CDEventsError} `CDE_LOSSY_CONVERSION`, naming every field that the other version does not have; the errors of
 *   `parse` when the event is not valid in the first place
 */
export function convert(event: CDEvent, specVersion: SpecVersion): CDEvent {
  parse(event);
  if (specVersionOf(event) === specVersion) return event;
  const type = parseEventType(event.context.type);
  return type?.kind === 'standard'
    ? convertStandard(event, type.name, type.specVersion, specVersion)
    : convertCustom(event, type?.subject ?? '', specVersion);
}
