import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FUNCTIONS, LIMITS } from '../src/cel/environment.ts';
import { MAX_COST } from '../src/cel/expression.ts';
import { expressions, type MappingVariables, VARIABLES } from '../src/mapping/variables-schema.ts';
import { conformanceTests, differenceOf } from './helpers/cel-conformance.ts';
import known from './helpers/cel-differences.json' with { type: 'json' };
import { runAsMapping } from './helpers/cel-js-runner.ts';
import { someVariables } from './helpers/cel-variables.ts';

const { compileExpression, fieldsOf, readExpression } = expressions;

const doc = readFileSync(join(import.meta.dirname, '../../../docs/expressions.md'), 'utf8');

/** The text between a marker and the next heading or marker. */
const after = (marker: string): string => doc.split(`<!-- ${marker} -->`)[1]?.split(/^#|^<!--/m)[0] ?? '';

/** The cells of a table, which `|` in code is escaped for. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    );

const code = (cell = ''): string => cell.replace(/^`(.*)`$/, '$1');

const [, json = '{}'] = /```json\n(.*?)```/s.exec(after('variables of the examples')) ?? [];
const variables: MappingVariables = { ...someVariables(), ...(JSON.parse(json) as Partial<MappingVariables>) };

describe('docs/expressions.md', () => {
  const examples = rowsOf(after('examples'));
  it('has examples', () => expect(examples.length).toBeGreaterThan(15));

  it.each(examples)('%s gives %s', (expression, value) => {
    expect(compileExpression(code(expression)).evaluate(variables)).toEqual(JSON.parse(code(value)));
  });

  const errors = rowsOf(after('errors'));
  it('has errors', () => expect(errors.length).toBeGreaterThan(4));

  it.each(errors)('%s is an error', (expression, message) => {
    const reading = readExpression(code(expression), 'value');
    expect('issue' in reading && `expected ${reading.issue.expected}, found ${reading.issue.found}`).toBe(message);
  });

  it('names every variable, field and function', () => {
    const listed = doc.split('## Examples')[0] ?? '';
    const names = Object.entries(VARIABLES).flatMap(([name, type]) => [name, ...Object.keys(fieldsOf(type) ?? {})]);
    const missing = [...names, ...FUNCTIONS].filter((name) => !new RegExp(`[\`.]${name}[\`(.]`).test(listed));
    expect(missing).toEqual([]);
  });

  it('names the limits', () => {
    const limits = rowsOf(doc.split('## Limits')[1]?.split(/^#/m)[0] ?? '').map(([, most]) => most);
    const { maxAstNodes, maxDepth, maxListElements, maxMapEntries, maxCallArguments } = LIMITS;
    expect(maxMapEntries).toBe(maxListElements);
    expect(limits).toEqual([
      '4,096',
      maxAstNodes.toLocaleString('en-US'),
      `${maxDepth}`,
      `${maxListElements}`,
      `${maxCallArguments}`,
      `${MAX_COST.toLocaleString('en-US')} units`,
    ]);
  });

  it('lists the differences from CEL that there are', () => {
    const lines = after('differences')
      .split('\n')
      .filter((line) => /^ *\* /.test(line));
    const expected = known.differences.flatMap(({ group, why }, index) =>
      known.differences[index - 1]?.group === group ? [`  * ${why}`] : [`* **${group}**`, `  * ${why}`],
    );
    expect(lines).toEqual(expected);
  });

  it('counts the conformance tests that pass', () => {
    const counts = new Map<string, [total: number, skipped: number, passed: number]>();
    for (const test of conformanceTests()) {
      for (const file of [test.file, 'all']) {
        const [total, skipped, passed] = counts.get(file) ?? [0, 0, 0];
        const pass = !test.skip && differenceOf(test, runAsMapping(test)) === undefined;
        counts.set(file, [total + 1, skipped + (test.skip ? 1 : 0), passed + (pass ? 1 : 0)]);
      }
    }
    const some = [...counts].filter(([, [total, skipped]]) => total > skipped);
    expect(rowsOf(after('conformance')).map((row) => row.slice(0, 4))).toEqual(
      some
        .sort(([a], [b]) => Number(a === 'all') - Number(b === 'all'))
        .map(([file, row]) => [file, ...row.map(String)]),
    );
  });
});
