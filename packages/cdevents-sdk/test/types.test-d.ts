/** Compiled by `tsc`, never run: what must and what must not compile. */
import {
  type CDEvent,
  type CDEventOf,
  type Content,
  createCustomEvent,
  createEvent,
  type EventName,
  type EventType,
  type eventNames,
  isCustomEvent,
  isEvent,
  type Link,
  parse,
  type SpecVersion,
  toHttp,
} from '../src/index.ts';
import * as v03 from '../src/v0.3.ts';
import * as v05 from '../src/v0.5.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const assert = <T extends true>(): T | undefined => undefined;

const context = { source: '/flux' };
const deployed = { environment: { id: 'prod' }, artifactId: 'pkg:helm/podinfo@6.0.0' };

// names and types
assert<Equal<EventType<'service.deployed', '0.3'>, 'dev.cdevents.service.deployed.0.1.1'>>();
assert<Equal<EventType<'service.deployed', '0.4'>, 'dev.cdevents.service.deployed.0.2.0'>>();
assert<Equal<EventType<'service.deployed', '0.5'>, 'dev.cdevents.service.deployed.0.3.0'>>();
assert<Equal<Extract<EventName<'0.3'>, 'ticket.created'>, never>>();
assert<Equal<EventName<'0.4'>, EventName<'0.5'>>>();
assert<Equal<ReturnType<typeof eventNames<'0.3'>>[number], EventName<'0.3'>>>();

// content
assert<Equal<keyof Content<'artifact.packaged', '0.3'>, 'change'>>();
assert<Equal<keyof Content<'artifact.packaged', '0.4'>, 'change' | 'sbom'>>();
assert<Equal<keyof Content<'environment.created', '0.4'>, 'name' | 'url'>>();
assert<Equal<keyof Content<'environment.created', '0.5'>, 'name' | 'uri'>>();
assert<Equal<Content<'testcaserun.finished', '0.4'>['outcome'], 'pass' | 'fail' | 'cancel' | 'error'>>();
assert<Equal<Content<'testcaserun.finished', '0.5'>['outcome'], 'success' | 'failure' | 'cancel' | 'error'>>();
assert<Equal<CDEventOf<'build.queued', '0.4'>['subject']['type'], 'build'>>();

// creating
const event = createEvent('service.deployed', { context, subject: { id: 'apps/podinfo', content: deployed } });
assert<Equal<(typeof event)['subject']['content']['environment']['id'], string>>();
event satisfies CDEvent;
event satisfies CDEventOf<'service.deployed', '0.4'>;
const newer = createEvent(
  'service.deployed',
  { context, subject: { id: 'apps/podinfo', content: deployed } },
  { specVersion: '0.5' },
);
newer.context.specversion satisfies string;
createEvent('build.queued', { context, subject: { id: 'build-1' } });
createEvent('build.finished', { context, subject: { id: 'build-1' } }, { now: () => new Date(0) });
createEvent('ticket.created', {
  context: { ...context, chainId: 'c', links: [{ linkType: 'PATH', from: { contextId: 'a' } }] },
  subject: { id: 't', content: { summary: 's', creator: 'me', uri: '/t', ticketType: 'of our own' } },
});

// @ts-expect-error no such predicate
createEvent('service.launched', { context, subject: { id: 'a', content: deployed } });
// @ts-expect-error 0.3 has no tickets
createEvent('ticket.created', { context, subject: { id: 'a', content: {} } }, { specVersion: '0.3' });
// @ts-expect-error the environment is required
createEvent('service.deployed', { context, subject: { id: 'a', content: { artifactId: 'b' } } });
// @ts-expect-error content is required where one of its fields is
createEvent('service.deployed', { context, subject: { id: 'a' } });
// @ts-expect-error no such field
createEvent('service.deployed', { context, subject: { id: 'a', content: { ...deployed, namespace: 'apps' } } });
// @ts-expect-error a field of 0.5, not of 0.4
createEvent('environment.created', { context, subject: { id: 'a', content: { uri: 'https://a.example' } } });
const passed = { environment: { id: 'prod' }, outcome: 'success' as const };
// @ts-expect-error a value of 0.5, not of 0.4
createEvent('testsuiterun.finished', { context, subject: { id: 'a', content: passed } });
// @ts-expect-error the source is required
createEvent('build.queued', { context: {}, subject: { id: 'build-1' } });
// @ts-expect-error 0.3 has no chains
createEvent('build.queued', { context: { ...context, chainId: 'c' }, subject: { id: 'b' } }, { specVersion: '0.3' });
// @ts-expect-error no such spec version
createEvent('build.queued', { context, subject: { id: 'build-1' } }, { specVersion: '0.2' });
// @ts-expect-error custom data is an object or base64
createEvent('build.queued', { context, subject: { id: 'build-1' }, customData: 7 });
// @ts-expect-error an embedded link cannot start a chain
createEvent('build.queued', { context: { ...context, links: [{ linkType: 'START' }] }, subject: { id: 'build-1' } });

// custom events
const custom = createCustomEvent('mytool-resource.created', { context, subject: { id: 'a', content: { any: [1] } } });
custom.subject.type satisfies string;
// @ts-expect-error a custom event names its tool
createCustomEvent('resource.created', { context, subject: { id: 'a' } });
// @ts-expect-error 0.3 has no custom events
createCustomEvent('mytool-resource.created', { context, subject: { id: 'a' } }, { specVersion: '0.3' });

// entries of one version
v05.createEvent('environment.created', { context, subject: { id: 'a', content: { uri: 'https://a.example' } } });
// @ts-expect-error 0.3 calls it url
v03.createEvent('environment.created', { context, subject: { id: 'a', content: { uri: 'https://a.example' } } });
// @ts-expect-error 0.3 has no tickets
v03.createEvent('ticket.created', { context, subject: { id: 'a' } });

// narrowing
const read: CDEvent = parse('{}');
if (isEvent(read, 'testcaserun.finished', '0.5')) {
  assert<Equal<typeof read.subject.content.outcome, 'success' | 'failure' | 'cancel' | 'error'>>();
}
if (isEvent(read, 'service.deployed')) read.subject.content.environment.id satisfies string;
if (isCustomEvent(read)) read.context.type satisfies `dev.cdeventsx.${string}`;
// @ts-expect-error not known before it was asked
read.subject.content.environment.id;

// links that travel alone
({
  linkType: 'START',
  chainId: 'c',
  timestamp: '2024-05-06T07:08:09Z',
  start: { contextId: 'a' },
}) satisfies Link<'START'>;
// @ts-expect-error a chain ends at an event
({ linkType: 'END', chainId: 'c', timestamp: '2024-05-06T07:08:09Z', from: { contextId: 'a' } }) satisfies Link<'END'>;

// sending
toHttp(event, { mode: 'batched', extensions: { partitionkey: 'a', sampledrate: 1, traceparent: undefined } });
toHttp([event, newer, custom], { mode: 'batched', extensions: ({ subject }) => ({ partitionkey: subject.id }) });
// @ts-expect-error no such content mode
toHttp(event, { mode: 'streamed' });
// @ts-expect-error an extension is no object
toHttp(event, { extensions: { partitionkey: {} } });

// a name and a version that are only known at run time still have a type
const anyName = (name: EventName<'0.5'>, specVersion: SpecVersion): [EventName, SpecVersion] => [name, specVersion];
anyName('ticket.closed', '0.5');
