import type { TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import { allErrors, describeFound, valueAt } from '../../diagnostics/issues.ts';
import { listed } from '../../diagnostics/words.ts';
import { describeField, didYouMean, type Findings, meantWord } from './findings.ts';
import { pathOf, pointerOf } from './locate.ts';

/** TypeBox stops at 8 unless told. */
const MAX_ERRORS = 10_000;

interface SchemaNode extends TSchema {
  readonly expected?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/** Every way in which a value is not what a shape asks for, in the words of its `expected`. */
export function findShapeIssues(shape: Validator, value: unknown, findings: Findings): void {
  const errors = shape.Check(value) ? [] : allErrors(shape, value, MAX_ERRORS);
  const meant = new Set<string>();
  for (const { keyword, instancePath, schemaPath } of errors) {
    if (keyword !== 'boolean') continue; // one for each field that is too much
    const path = pathOf(instancePath);
    const field = path.at(-1) ?? '';
    const fields = Object.keys(schemaAt(shape, schemaPath.replace(/\/additionalProperties$/, ''))?.properties ?? {});
    findings.key(path, `one of the fields ${listed(fields)}${didYouMean(field, fields)}`, describeField(field));
    meant.add(pointerOf([...path.slice(0, -1), meantWord(field, fields) ?? '']));
  }
  for (const { keyword, instancePath, schemaPath, params } of errors) {
    const path = pathOf(instancePath);
    if (keyword === 'required') {
      for (const field of params.requiredProperties) {
        if (meant.has(pointerOf([...path, field]))) continue; // it is there, misspelt
        const expected = schemaAt(shape, schemaPath)?.properties?.[field]?.expected ?? 'this field';
        findings.value([...path, field], expected, 'nothing');
      }
    } else if (keyword !== 'additionalProperties' && keyword !== 'boolean') {
      const found = valueAt(value, path);
      const { expected = 'another value', enum: words = [] } = schemaAt(shape, schemaPath) ?? {};
      const hint = typeof found === 'string' ? didYouMean(found, words) : '';
      const listLength =
        (keyword === 'maxItems' || keyword === 'minItems') && Array.isArray(found) ? `${found.length}` : undefined;
      findings.value(path, `${expected}${hint}`, listLength ?? describeFound(found));
    }
  }
}

/** @param pointer `#/properties/rules/items` */
const schemaAt = (shape: Validator, pointer: string): SchemaNode | undefined =>
  valueAt(shape.Type(), pathOf(pointer)) as SchemaNode | undefined;
