import { CloudEvent, HTTP } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { type CDEvent, fromCloudEvent, fromHttp, toHttp } from '../src/index.ts';
import { aCDEvent, everyEvent } from './helpers/samples.ts';

const attributesFor = ({ context, subject }: CDEvent) => ({
  id: context.id,
  source: context.source,
  type: context.type,
  subject: subject.id,
  time: context.timestamp,
  partitionkey: 'uid-1',
});

/** The CloudEvents project's own SDK reads what we write, and we read what it writes. */
describe('with the official CloudEvents SDK', () => {
  it.each(everyEvent)('$name of $specVersion', ({ name, specVersion }) => {
    const event = aCDEvent(name, specVersion);
    for (const mode of ['binary', 'structured', 'batched'] as const) {
      const { headers, body } = toHttp(event, { mode, extensions: { partitionkey: 'uid-1' } });
      const [read] = [HTTP.toEvent({ headers, body })].flat() as CloudEvent<unknown>[];
      expect(read?.validate()).toBe(true);
      expect(read).toMatchObject(attributesFor(event));
      expect(read && fromCloudEvent({ ...read })).toEqual(event);
    }
    const theirs = new CloudEvent({ ...attributesFor(event), datacontenttype: 'application/json', data: event });
    for (const { headers, body } of [HTTP.binary(theirs), HTTP.structured(theirs)]) {
      expect(fromHttp({ headers: headers as Record<string, string>, body })).toEqual([event]);
    }
  });
});
