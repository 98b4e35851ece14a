import type { CDEvent } from 'cdevents-sdk';
import { describe, expect, it } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { cdeventsOf, mapStory } from '../../test/helpers/map-story.ts';
import type { ExpectedCDEvent } from './cases.ts';
import { type Captures, compareCDEvents } from './compare.ts';

const [upgraded] = mapStory([aFluxEvent()]).flatMap(cdeventsOf) as [CDEvent];
const failed = mapStory([aFluxEvent({ reason: 'UpgradeFailed', severity: 'error' })]).flatMap(cdeventsOf);
const compare = (
  expected: readonly ExpectedCDEvent[],
  found: readonly CDEvent[] = [upgraded],
  captures: Captures = new Map(),
) => compareCDEvents(expected, found, captures);

describe('CDEvents are as expected when', () => {
  it.each<[string, Omit<ExpectedCDEvent, 'type'>]>([
    ['only the type matters', {}],
    ['a part is the same', { subject: { id: 'apps/podinfo', content: { environment: { id: 'apps' } } } }],
    ['what must not be there is not', { subject: { content: { outcome: null } }, customData: { pipeline: null } }],
    ['a value is there', { context: { id: '$id', chainId: '$chain' } }],
    ['deep in custom data', { customData: { flux: { reason: 'UpgradeSucceeded' } } }],
  ])('%s', (_, parts) => expect(compare([{ type: 'service.upgraded', ...parts }])).toBeUndefined());

  it('the full type is given', () => {
    expect(compare([{ type: 'dev.cdevents.service.upgraded.0.2.0' }])).toBeUndefined();
    expect(compare([{ type: 'dev.cdevents.service.upgraded.0.1.0' }])).toBeDefined();
  });

  it('all of them is expected', () => {
    const whole = failed.map(({ context, subject, customData }) => ({
      type: context.type,
      context,
      subject,
      customData,
    }));
    expect(compare(whole as unknown as ExpectedCDEvent[], failed)).toBeUndefined();
  });

  it('they come in another order', () => {
    expect(compare([{ type: 'incident.detected' }, { type: 'taskrun.finished' }], failed)).toBeUndefined();
  });

  it('there are none', () => expect(compare([], [])).toBeUndefined());

  it('a list is linked to what came before', () => {
    const links = [{ linkType: 'PATH', from: { contextId: '$task' } }];
    const expected = [
      { type: 'taskrun.finished', context: { id: '$task' } },
      { type: 'incident.detected', context: { links } },
    ];
    expect(compare(expected, failed)).toBeUndefined();
  });

  it('a text begins with $', () => {
    const event = { ...upgraded, subject: { ...upgraded.subject, id: '$5' } };
    expect(compare([{ type: 'service.upgraded', subject: { id: '$5' } }], [event])).toBeUndefined();
    const named = { ...upgraded, subject: { ...upgraded.subject, id: '$name' } };
    expect(compare([{ type: 'service.upgraded', subject: { id: '$$name' } }], [named])).toBeUndefined();
  });
});

describe('they differ', () => {
  const of = (parts: Omit<ExpectedCDEvent, 'type'>) => compare([{ type: 'service.upgraded', ...parts }]);
  const only = (parts: object) => [{ type: 'service.upgraded', ...parts }];

  it.each<[string, Omit<ExpectedCDEvent, 'type'>, object, object]>([
    ['by a value', { subject: { id: 'x' } }, { subject: { id: 'x' } }, { subject: { id: 'apps/podinfo' } }],
    [
      'by what is not there',
      { subject: { content: { outcome: 'success' } } },
      { subject: { content: { outcome: 'success' } } },
      { subject: { content: {} } },
    ],
    ['by what should not be there', { subject: { id: null } }, { subject: {} }, { subject: { id: 'apps/podinfo' } }],
    [
      'by a value that is no map',
      { subject: { id: { a: 1 } } },
      { subject: { id: { a: 1 } } },
      { subject: { id: 'apps/podinfo' } },
    ],
    ['by a name that is nothing', { customData: { x: '$x' } }, { customData: { x: '$x' } }, { customData: {} }],
    ['by a list that is none', { context: { links: [1] } }, { context: { links: [1] } }, { context: {} }],
  ])('%s, and only that is shown', (_, parts, expected, found) => {
    expect(of(parts)).toEqual({ expected: only(expected), found: only(found) });
  });

  it('by an item more or less', () => {
    const links = failed[1]?.context.links as unknown[];
    const differ = (items: unknown[]) =>
      compare([{ type: 'taskrun.finished' }, { type: 'incident.detected', context: { links: items } }], failed);
    expect(differ([])?.found[1]).toMatchObject({ context: { links } });
    expect(differ([{ linkType: 'PATH' }, { linkType: 'RELATION' }])?.found[1]).toEqual({
      type: 'incident.detected',
      context: { links: [{ linkType: 'PATH' }] },
    });
    expect(differ([{ linkType: 'PATH' }])).toBeUndefined();
  });

  it('by one that is missing, and one that is too many', () => {
    expect(compare([{ type: 'service.deployed' }])).toEqual({
      expected: [{ type: 'service.deployed' }],
      found: [{ type: 'service.upgraded', subject: { id: 'apps/podinfo' } }],
    });
  });

  it('by a name that stood for something else', () => {
    const captures: Captures = new Map([['object', 'apps/backend']]);
    expect(compare([{ type: 'service.upgraded', subject: { id: '$object' } }], [upgraded], captures)).toEqual({
      expected: only({ subject: { id: 'apps/backend' } }),
      found: only({ subject: { id: 'apps/podinfo' } }),
    });
  });

  it('by two names that stand for the same', () => {
    const captures: Captures = new Map([['first', 'apps/podinfo']]);
    expect(compare([{ type: 'service.upgraded', subject: { id: '$second' } }], [upgraded], captures)).toEqual({
      expected: only({ subject: { id: '$second, a different value than $first' } }),
      found: only({ subject: { id: 'apps/podinfo' } }),
    });
  });
});
