import { expect, it } from 'vitest';
import { isSameSecret } from './secret-compare.ts';

it.each([
  ['s3cret', 's3cret', true],
  ['s3cret', 's3cre', false],
  ['', 's3cret', false],
  ['s3cret', '', false],
  ['', '', false],
])('%j against %j: %j', (presented, expected, same) => expect(isSameSecret(presented, expected)).toBe(same));
