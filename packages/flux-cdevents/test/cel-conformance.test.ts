import { describe, expect, it } from 'vitest';
import { conformanceTests, differenceOf } from './helpers/cel-conformance.ts';
import known from './helpers/cel-differences.json' with { type: 'json' };
import { runAsMapping } from './helpers/cel-js-runner.ts';

const isNotOffered = (id: string) => known.notOffered.some(({ tests }) => id.startsWith(`${tests}/`));
const tests = conformanceTests().filter(({ id, skip }) => !skip && !isNotOffered(id));
const differences = new Map(tests.map((test) => [test.id, differenceOf(test, runAsMapping(test))]));
const expected = known.differences.flatMap((group) => group.tests);

describe('the conformance tests of CEL', () => {
  it('are there', () => {
    expect(tests.length).toBeGreaterThan(1000);
  });

  it('pass, except for the known differences', () => {
    const failed = [...differences].flatMap(([id, difference]) =>
      difference && !expected.includes(id) ? [`${id}: ${difference}`] : [],
    );
    expect(failed).toEqual([]);
  });

  it('list no known difference that has disappeared', () => {
    expect(expected.filter((id) => !differences.get(id))).toEqual([]);
    expect(new Set(expected).size).toBe(expected.length);
  });
});
