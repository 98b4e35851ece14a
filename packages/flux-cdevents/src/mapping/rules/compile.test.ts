import { expect, it } from 'vitest';
import { MAX_COST, type Variables } from '../../cel/expression.ts';
import { compileRules } from './compile.ts';

it('sets own members only, whatever the name of a field', () => {
  const customData = { constructor: { keys: '1' }, toString: { name: "'x'" }, ['__proto__']: { polluted: 'true' } };
  const { rules } = compileRules(
    [
      {
        name: 'odd',
        match: 'true',
        emit: [{ type: 'service.upgraded', subject: { id: "'x'" }, content: {}, customData }],
      },
    ],
    '0.4',
  );
  const emitted = rules[0]?.emits[0]?.evaluate({} as Variables, { left: MAX_COST });
  expect(JSON.stringify(emitted?.customData)).toBe(
    '{"constructor":{"keys":1},"toString":{"name":"x"},"__proto__":{"polluted":true}}',
  );
  expect(Object.keys).toBeTypeOf('function');
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
