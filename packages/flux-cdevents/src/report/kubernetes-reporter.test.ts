import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { eventually } from '../../test/helpers/eventually.ts';
import { type FakeApiServer, startFakeApiServer, type TestObject } from '../../test/helpers/fake-api-server.ts';
import { silentLogger } from '../observe/log.ts';
import { createKubernetesReporter, type KubernetesReporterOptions } from './kubernetes-reporter.ts';
import type { Report, Reporter } from './reporter.ts';

let api: FakeApiServer;
let reporter: Reporter;
let time: number;

beforeEach(async () => {
  api = await startFakeApiServer();
  api.serve('v1', { Event: 'events' });
  time = Date.parse('2026-01-02T03:04:05Z');
  reporter = start();
});
afterEach(async () => {
  reporter.close();
  await api.close();
});

/** Every object is there, except one that is named `missing`. */
function start(options: Partial<KubernetesReporterOptions> = {}): Reporter {
  return createKubernetesReporter({
    api: api.client(),
    reference: ({ kind, namespace, name }) =>
      name === 'missing'
        ? undefined
        : { kind, namespace, name, apiVersion: 'n/v1', uid: `uid of ${name}`, resourceVersion: '1' },
    logger: silentLogger(),
    instance: 'pod-1',
    now: () => time,
    ...options,
  });
}

const aReport = (message: string, name = 'all'): Report => ({
  about: { kind: 'Alert', namespace: 'apps', name },
  reason: 'NotificationDispatchFailed',
  message,
});
const events = () =>
  api.stored('Event') as readonly (TestObject & { readonly message: string; readonly count: number })[];
const messages = () => events().map(({ message }) => message);

/** Reports are written in order: when this one is there, those before it were written or dropped. */
async function written(): Promise<void> {
  reporter.report(aReport('last', 'last'));
  await eventually(() => expect(messages()).toContain('last'));
}

it('writes an Event about the object, into its namespace', async () => {
  reporter.report(aReport('Provider apps/hub does not deliver: 503'));
  await written();
  expect(events()[0]).toMatchObject({
    metadata: { namespace: 'apps' },
    involvedObject: { kind: 'Alert', namespace: 'apps', name: 'all', uid: 'uid of all' },
    type: 'Warning',
    reason: 'NotificationDispatchFailed',
    message: 'Provider apps/hub does not deliver: 503',
    reportingInstance: 'pod-1',
    count: 1,
  });
});

it('counts a repetition in the Event that is there', async () => {
  reporter.report(aReport('503'));
  time += 60_000;
  reporter.report(aReport('503'));
  reporter.report(aReport('503'));
  reporter.report(aReport('502'));
  await written();
  expect(messages()).toEqual(['503', '502', 'last']);
  expect(events()[0]).toMatchObject({ count: 3, lastTimestamp: '2026-01-02T03:05:05Z' });
});

it('writes a new Event when the one before has expired', async () => {
  reporter.report(aReport('503'));
  await written();
  const [first] = events();
  if (first) api.delete(first);
  reporter.report(aReport('503'));
  reporter.report(aReport('later', 'later'));
  await eventually(() => expect(messages()).toEqual(['last', '503', 'later']));
  time += 56 * 60_000;
  reporter.report(aReport('503'));
  await eventually(() => expect(messages()).toEqual(['last', '503', 'later', '503']));
});

it('writes nothing about an object that is not there', async () => {
  reporter.report(aReport('503', 'missing'));
  await written();
  expect(messages()).toEqual(['last']);
});

it('writes 25 Events about one object, and one more every five minutes', async () => {
  const report = (count: number) => {
    for (let index = 0; index < count; index++) reporter.report(aReport(`${time} ${index}`));
  };
  report(30);
  await written();
  expect(events()).toHaveLength(26);
  reporter.report(aReport('about another object', 'other'));
  await eventually(() => expect(events()).toHaveLength(27));
  time += 5 * 60_000;
  report(2);
  await eventually(() => expect(events()).toHaveLength(28));
});

it('writes 300 Events about all objects, and one more each second', async () => {
  for (let index = 0; index < 310; index++) reporter.report(aReport('wrong', `alert-${index}`));
  await eventually(() => expect(events()).toHaveLength(300));
  time += 1_000;
  reporter.report(aReport('wrong', 'later'));
  await eventually(() => expect(events()).toHaveLength(301));
});

it('drops what cannot be written, logs the first failure, and goes on', async () => {
  const logger = silentLogger();
  const error = vi.spyOn(logger, 'error');
  reporter = start({ logger });
  api.fail('/events', 403);
  api.fail('/events', 'disconnect');
  for (const message of ['refused', 'broken', 'written']) reporter.report(aReport(message));
  await written();
  expect(messages()).toEqual(['written', 'last']);
  expect(error.mock.calls).toEqual([
    [{ about: 'Alert apps/all', error: '403 Forbidden: as the test asked for' }, 'Kubernetes Event not written'],
  ]);
});

it('drops reports beyond those that wait, and never blocks', async () => {
  api.fail('/events', 'hang');
  for (let index = 0; index < 2_000; index++) reporter.report(aReport('wrong', `alert-${index}`));
  await eventually(() => expect(api.requests).toHaveLength(1));

  const reference = vi.fn(() => undefined);
  reporter = start({ reference });
  for (let index = 0; index < 2_000; index++) reporter.report(aReport('wrong', `alert-${index}`));
  // the first is on its way, 1,000 wait
  await eventually(() => expect(reference).toHaveBeenCalledTimes(1_001));
});

it('cuts a message at what the API server takes', async () => {
  reporter.report(aReport('x'.repeat(5_000)));
  await written();
  expect(Buffer.byteLength(messages()[0] ?? '')).toBe(1024);
});

it('writes nothing after it is closed', async () => {
  const first = Promise.withResolvers<never>();
  const request = vi.fn(() => first.promise);
  reporter = start({ api: { request } });
  reporter.report(aReport('first'));
  reporter.report(aReport('second'));
  expect(request).toHaveBeenCalledTimes(1);
  reporter.close();
  reporter.report(aReport('third'));
  first.reject(new Error('the connection broke'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(request).toHaveBeenCalledTimes(1);
});
