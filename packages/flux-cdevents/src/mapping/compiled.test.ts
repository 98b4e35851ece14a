import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { MappingHeader } from '../provider/provider.ts';
import { mappingOf, readMappingForUse } from './compiled.ts';
import { mappingReader, readMapping } from './file/read-mapping.ts';

vi.mock('./file/read-mapping.ts', { spy: true });
beforeEach(() => void vi.mocked(readMapping).mockClear());

const rules = (name: string, header = '') =>
  `${header}\nrules: [{name: ${name}, match: "true", emit: [{type: service.upgraded}]}]`;

describe('the mapping of a Provider', () => {
  it.each<[string, string, MappingHeader, { specVersion: '0.3' | '0.4'; preset: 'rfc' | 'none' }]>([
    ['defaults', rules('defaults'), {}, { specVersion: '0.4', preset: 'rfc' }],
    ['its header', rules('header', 'preset: none'), {}, { specVersion: '0.4', preset: 'none' }],
    [
      'annotations',
      rules('given', 'preset: rfc'),
      { specVersion: '0.3', preset: 'none' },
      { specVersion: '0.3', preset: 'none' },
    ],
  ])('is read once, by its check, with %s', (_, text, given, options) => {
    expect(readMappingForUse(text, given).issues).toEqual([]);
    const { names, own } = mappingOf({ ...options, mapping: { name: 'rules', text } });
    expect(own).toBe(1);
    expect(names.length).toBe(options.preset === 'none' ? 1 : mappingOf({ ...options }).names.length + 1);
    expect(readMapping).toHaveBeenCalledTimes(1);
  });

  it('is read again for other options than those of its check', () => {
    const text = rules('other');
    readMappingForUse(text, {});
    expect(mappingOf({ specVersion: '0.4', preset: 'none', mapping: { name: 'rules', text } }).names).toEqual([
      'other',
    ]);
    expect(readMapping).toHaveBeenCalledTimes(2);
  });

  it('is refused when it is invalid, checked or not', () => {
    const text = 'rules: 5';
    expect(readMappingForUse(text, {})).toEqual(mappingReader(text, {}));
    expect(readMappingForUse(text, {}).issues).toMatchObject([{ textPlace: { line: 1 } }]);
    expect(() => mappingOf({ specVersion: '0.4', preset: 'rfc', mapping: { name: 'rules', text } })).toThrow(
      'mapping: ',
    );
  });
});
