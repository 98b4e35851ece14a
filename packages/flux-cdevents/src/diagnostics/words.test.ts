import { expect, it } from 'vitest';
import { meantWord } from './words.ts';

const words = ['spec-version', 'preset', 'max-age', 'cdevents'];

it.each([
  ['specversion', 'spec-version'],
  ['Preset', 'preset'],
  ['preests', 'preset'],
  ['maxage', 'max-age'],
  ['cd-events', 'cdevents'],
  ['slack', undefined],
  ['x', undefined],
  ['', undefined],
])('%j was meant to be %j', (typed, word) => expect(meantWord(typed, words)).toBe(word));
