import { describe, expect, it } from 'vitest';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { cdeventsOf, mapStory } from '../../test/helpers/map-story.ts';
import type { Conversion } from './convert-event.ts';
import { explainedFields, explanationOf } from './explanation.ts';

const mapping = { name: 'rules', text: "rules: [{name: mine, match: event.reason == 'X', emit: []}]" };

describe('a stored explanation', () => {
  const [result] = mapStory([aFluxEvent()]) as [Conversion];
  const [mapped] = result.cdevents;
  if (!mapped) throw new Error('a CDEvent');

  it('names the rule, those tried, and the expression of each field', () => {
    expect(explanationOf(result, mapped, { preset: 'service' })).toEqual({
      mapping: 'preset service',
      rule: 'upgrade-succeeded',
      tried: ['install-succeeded', 'upgrade-succeeded'],
      fields: { 'subject.id': 'service.id', 'content.environment': 'environment', 'content.artifactId': 'artifactId' },
    });
  });

  it('gets its values back from the CDEvent', () => {
    const [cdevent] = cdeventsOf(result);
    expect(explainedFields(explanationOf(result, mapped, { preset: 'service' }), cdevent)).toEqual(mapped.fields);
    expect(
      explainedFields({ mapping: '', tried: [], fields: { 'content.url': 'event.metadata.?url' } }, cdevent),
    ).toEqual([{ path: 'content.url', expression: 'event.metadata.?url' }]);
  });

  it('finds a field whose name has a dot', () => {
    const fields = { 'customData.a.b.c': "'x'" };
    const found = explainedFields({ mapping: '', tried: [], fields }, { customData: { a: 1, 'a.b': { c: 'x' } } });
    expect(found).toEqual([{ path: 'customData.a.b.c', expression: "'x'", value: 'x' }]);
  });

  it.each([
    ['mapping', 'mapping rules'],
    ['preset', 'preset service'],
    [undefined, 'mapping rules and preset service'],
  ] as const)('of a rule of the %s says %s', (from, expected) => {
    const result = { tried: [], ...(from && { from }) };
    expect(explanationOf(result, mapped, { preset: 'service', mapping }).mapping).toBe(expected);
  });

  it('names the last of many rules, and how many there were', () => {
    const tried = Array.from({ length: 100 }, (_, index) => `rule-${index}`);
    const explanation = explanationOf({ rule: 'rule-99', from: 'preset', tried }, mapped, { preset: 'none' });
    expect(explanation).toMatchObject({ triedCount: 100 });
    expect(explanation.tried).toHaveLength(25);
    expect(explanation.tried.at(-1)).toBe('rule-99');
  });
});
