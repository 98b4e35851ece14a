import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readMapping } from '../file/read-mapping.ts';
import type { Mapping, Rule } from '../rules/mapping-model.ts';
import { presets } from './presets.ts';
import { spellOut } from './spell-out.ts';

const service = { preset: 'service', specVersion: '0.4' } as const;
const aRule = (name: string, more: Partial<Rule> = {}): Rule => ({
  name,
  match: `event.reason == '${name}'`,
  emit: [],
  ...more,
});
const ofPreset = (name: string): Rule => {
  const found = presets.service.rules.find((rule) => rule.name === name);
  if (!found) throw new Error(`a rule ${name}`);
  return found;
};
const namesOf = ({ rules }: Mapping): readonly string[] => rules.map(({ name }) => name);

describe('a mapping and its preset as one', () => {
  it('is the preset when there is no mapping', () => {
    const { mapping, neverReached } = spellOut(undefined, service);
    expect([namesOf(mapping), neverReached]).toEqual([namesOf(presets.service), []]);
  });

  it('gives a rule of the preset another name when its own is taken, and that one too', () => {
    const rules = [aRule('upgrade-succeeded'), aRule('service-upgrade-succeeded')];
    const names = namesOf(spellOut({ rules }, service).mapping);
    expect(names.slice(0, 4)).toEqual([...namesOf({ rules }), 'install-succeeded', 'service-upgrade-succeeded-2']);
  });

  it.each<[string, Mapping, readonly string[]]>([
    ['asks the same', { rules: [{ ...ofPreset('test-failed'), name: 'mine' }] }, ['test-failed']],
    ['takes every event', { rules: [aRule('all', { match: ' true ' })] }, namesOf(presets.service)],
    [
      'asks the same, but only when it is enabled',
      { rules: [{ ...ofPreset('test-failed'), name: 'mine', optional: 'x' }] },
      [],
    ],
    [
      'asks the same and is enabled',
      { enable: ['x'], rules: [{ ...ofPreset('test-failed'), name: 'mine', optional: 'x' }] },
      ['test-failed'],
    ],
    [
      'asks what an optional one does',
      { enable: ['artifacts'], rules: [aRule('mine', { match: ofPreset('artifact-published').match })] },
      ['artifact-published'],
    ],
  ])('leaves out a rule after one that %s', (_, own, expected) => {
    const { mapping, neverReached } = spellOut(own, service);
    expect(neverReached).toEqual(expected);
    expect(readMapping(stringify(mapping)).issues).toEqual([]);
  });
});
