import { describe, expect, it } from 'vitest';
import { type PatchOperation, patched } from './json-patch.ts';

const document = { a: { 'x/y~z': 1 }, list: [{ name: 'one' }, { name: 'two' }] };

describe('patched', () => {
  it.each<[PatchOperation['op'], string, unknown, object]>([
    ['add', '/a/b', 2, { a: { 'x/y~z': 1, b: 2 } }],
    ['replace', '/a/x~1y~0z', 2, { a: { 'x/y~z': 2 } }],
    ['add', '/list/-', 3, { list: [{ name: 'one' }, { name: 'two' }, 3] }],
    ['add', '/list/0', 3, { list: [3, { name: 'one' }, { name: 'two' }] }],
    ['replace', '/list/1', 3, { list: [{ name: 'one' }, 3] }],
    ['add', '/list/1/more', {}, { list: [{ name: 'one' }, { name: 'two', more: {} }] }],
    ['test', '/list/0', { name: 'one' }, {}],
  ])('%s %s', (op, path, value, changed) => {
    const before = structuredClone(document);
    expect(patched(document, [{ op, path, value }])).toEqual({ ...document, ...changed });
    expect(document).toEqual(before);
  });

  it.each([
    ['replace', '/a/b', 'the path does not exist'],
    ['replace', '/list/2', 'the path does not exist'],
    ['add', '/b/c', 'the path does not exist'],
    ['add', '/list/2/name', 'the path does not exist'],
    ['add', '', 'the path does not exist'],
    ['test', '/list/0/name', 'the value differs'],
    ['move', '/a', 'unsupported operation'],
  ])('%s %s is refused', (op, path, why) => {
    expect(() => patched(document, [{ op, path, value: 1 } as PatchOperation])).toThrow(`${op} ${path}: ${why}`);
  });
});
