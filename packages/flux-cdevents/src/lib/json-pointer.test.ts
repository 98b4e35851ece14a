import { expect, it } from 'vitest';
import { formatPointer, parsePointer } from './json-pointer.ts';

it.each<[(string | number)[], string]>([
  [[], ''],
  [['rules', 0, 'name'], '/rules/0/name'],
  [['metadata', 'annotations', 'a.b/c'], '/metadata/annotations/a.b~1c'],
  [['~1', ''], '/~01/'],
])('%j is %j', (path, pointer) => {
  expect(formatPointer(path)).toBe(pointer);
  expect(parsePointer(pointer)).toEqual(path.map(String));
  expect(parsePointer(`#${pointer}`)).toEqual(path.map(String));
});
