import { describe, expect, it } from 'vitest';
import { someVariables } from '../../test/helpers/cel-variables.ts';
import { expressions } from '../mapping/variables-schema.ts';
import { type ExpressionResult, MAX_COST, type RemainingCost } from './expression.ts';

const { compileExpression, readExpression } = expressions;

const variables = someVariables();

const evaluate = (text: string) => compileExpression(text).evaluate(variables);
const failureOf = (text: string): string => {
  const expression = compileExpression(text);
  try {
    return `no error but ${JSON.stringify(expression.evaluate(variables))}`;
  } catch (error) {
    return (error as Error).message.split('\n')[0] ?? '';
  }
};
const issueOf = (text: string, result: ExpressionResult = 'value'): string => {
  const reading = readExpression(text, result);
  if ('expression' in reading) return `no issue but the type ${reading.expression.type}`;
  const { offset, length = 0, expected, found } = reading.issue;
  return `${offset}+${length}: expected ${expected}, found ${found}`;
};

const ofEvent =
  'a field of event: involvedObject, severity, timestamp, message, reason, metadata, reportingController, ' +
  'reportingInstance, action, relatedObject';
const aVariable =
  'a variable: event, alert, provider, cluster, environment, service, artifactId, release, taskRun, incident, ' +
  'outcome, chainId';

describe('an expression that is wrong when it is loaded', () => {
  it.each([
    ['event.reson', `6+5: expected ${ofEvent} (did you mean reason?), found reson`],
    ['event.?reson', `7+5: expected ${ofEvent} (did you mean reason?), found reson`],
    ['has(event.acton)', `10+5: expected ${ofEvent} (did you mean action?), found acton`],
    [
      '[event.involvedObject].map(o, o.nam)',
      '32+3: expected a field of o: kind, namespace, name, uid, apiVersion, resourceVersion (did you mean name?), found nam',
    ],
    [
      'release.chrt',
      '8+4: expected a field of release: namespace, name, version, chart, chartVersion (did you mean chart?), found chrt',
    ],
    ['evnt.reason', `0+4: expected ${aVariable} (did you mean event?), found evnt`],
    ["event['reason']", /^6\+8: expected \.field instead of \[\.\.\.\]: involvedObject, .*, found an index$/],
    ["event.message.startWith('a')", '14+9: expected a function (did you mean startsWith?), found startWith'],
    ['event.message.startsWith(1)', '0+27: expected string.startsWith(string), found string.startsWith(int)'],
    [
      'event.message.substring()',
      '0+25: expected string.substring(int) or string.substring(int, int), found string.substring()',
    ],
    [
      'release.version.size()',
      /^0\+22: expected string\.size\(\), bytes\.size\(\), list\.size\(\) or map\.size\(\), found int\.size\(\)$/,
    ],
    ['event.message.matches(1)', '0+24: expected string.matches(string), found string.matches(int)'],
    ['event.message.length()', '14+6: expected a function (did you mean size?), found length'],
    ['event.metadata.all(k)', '15+3: expected all(name, condition), found all with 1 argument'],
    ['has(1, 2)', '0+3: expected has(something.field), found has with 2 arguments'],
    [
      "event.?action == 'Finalize'",
      '0+27: expected types that == takes (.orValue(...) makes a value of an optional one), found optional<string> == string',
    ],
    ["b'abc'.json()", '7+4: expected a function (did you mean join?), found json'], // the library's own
    ["event.reason.orValue('x')", '6+6: expected an optional value, such as event.?action, found string'],
    ["1 + 'a'", '0+7: expected types that + takes, found int + string'],
    ["'ell' in 'hello'", '0+16: expected types that in takes, found string in string'],
    ['event.severity && true', '0+22: expected bool on both sides of &&, found string'],
    ['event.reason ? 1 : 2', '6+6: expected a condition of type bool, found string'],
    ["true ? 1 : 'a'", '0+14: expected one type after ? and :, found int and string'],
    ['event.reason.map(x, x)', '6+6: expected a list or a map, found string'],
    ['[1].map(1, 1)', '8+1: expected the name of a variable, found 1'],
    ['has(event)', '4+5: expected has(something.field), found event'],
    ['event.reason.name', '13+4: expected a value with fields, found string'],
    ["duration('1s').seconds", '0+22: expected a value with fields, found google.protobuf.Duration'],
    ["event.message.matches('(?=a)')", /^22\+7: expected a regular expression of RE2, found \(\?=a\) \(invalid/],
    ["[1].all(x, event.message.matches('a(b'))", /^33\+5: expected a regular expression of RE2, found a\(b \(/],
    [
      `event.message.matches('${'a'.repeat(1001)}')`,
      /^22\+1003: expected a regular .*a \(more than 1,000 characters\)$/,
    ],
    [
      `event.message.matches('${'(?:[ab]c?){500}|'.repeat(50)}')`,
      /^22\+802: .*\(too large with its repetitions written out\)$/,
    ],
    [
      "duration('1h') + timestamp(event.timestamp)",
      '0+43: expected the timestamp before the duration, found duration + timestamp',
    ],
    ["{'constructor': 1}", '1+13: expected another key, found constructor'],
  ])('%s', (text, issue) => {
    if (typeof issue === 'string') expect(issueOf(text)).toBe(issue);
    else expect(issueOf(text)).toMatch(issue);
  });

  it.each([
    ['event.message +', '15+0: expected a value, a name or (, found the end'],
    ['', '0+0: expected a value, a name or (, found the end'],
    ['(event.message', '14+0: expected ), found the end'],
    ["event.message = 'a'", '14+1: expected ==, found ='],
    ["event.reason === 'a'", '15+1: expected == only, found ='],
    ["event.reason == 'a' and true", '20+3: expected &&, found and'],
    ['not true', '4+4: expected ! instead of not, found true'],
    ['1 + #', '4+1: expected a value, a name or (, found #'],
    ['true & true', '5+1: expected &&, found &'],
    ["event.message == 'a", '17+2: expected a quote that ends the string, found the end'],
    ["event.message == 'a\nb'", '19+1: expected a quote that ends the string, found the end of the line'],
    ['event.reason event', '13+5: expected an operator or the end, found event'],
    ['event.', '6+0: expected a name, found the end'],
    ['{1 2}', '3+1: expected :, found 2'],
    ['for', '0+3: expected a name that CEL does not reserve, found for'],
    [`[${'1,'.repeat(200)}1]`, /: expected at most 200 items in a list, found more$/],
    [`${'('.repeat(60)}1${')'.repeat(60)}`, /: expected at most 50 levels of nesting, found more$/],
    [`${'1+'.repeat(600)}1`, /: expected at most 1000 parts in an expression, found more$/],
    [`'${'a'.repeat(5000)}'`, '0+5002: expected at most 4096 characters, found 5002'],
  ])('syntax and size: %s', (text, issue) => {
    if (typeof issue === 'string') expect(issueOf(text)).toBe(issue);
    else expect(issueOf(text)).toMatch(issue);
  });

  it.each<[string, ExpressionResult, string]>([
    ['event.reason', 'bool', '0+12: expected an expression of type bool, found string'],
    ['event.metadata', 'text', '0+14: expected an expression of type string, found map<string, string>'],
    ['release.version', 'text', '0+15: expected an expression of type string, found int'],
    ["b'abc'", 'value', '0+6: expected a value that JSON can represent, found bytes'],
    [
      'timestamp(event.timestamp)',
      'value',
      '0+26: expected a value that JSON can represent, found google.protobuf.Timestamp',
    ],
    ['[type(1)]', 'value', '0+9: expected a value that JSON can represent, found list<type>'],
    ['optional', 'value', '0+8: expected a value that JSON can represent, found OptionalNamespace'],
  ])('for what it is used as: %s, %s', (text, result, issue) => expect(issueOf(text, result)).toBe(issue));
});

describe('an expression that is right', () => {
  it.each<[string, ExpressionResult, string]>([
    ["event.reason == 'UpgradeSucceeded'", 'bool', 'bool'],
    ['dyn(true)', 'bool', 'dyn'],
    ['event.message', 'text', 'string'],
    ['event.?action', 'text', 'optional<string>'],
    ['null', 'text', 'null'],
    ["event.severity == 'error' ? event.message : null", 'text', 'dyn'],
    ['event.involvedObject', 'value', 'InvolvedObject'],
    ['event.metadata', 'value', 'map<string, string>'],
    ['release.version', 'value', 'int'],
  ])('%s as %s', (text, result, type) => {
    const reading = readExpression(text, result);
    expect('expression' in reading && reading.expression.type).toBe(type);
  });

  it.each<[string, unknown]>([
    ["event.involvedObject.kind + '/' + event.involvedObject.name", 'HelmRelease/podinfo'],
    ["event.reason in ['UpgradeFailed', 'UpgradeSucceeded']", true],
    ['alert.metadata.namespace + provider.metadata.name', 'flux-systemhub'],
    // integers
    ['release.version > 3', true],
    ['release.version + 1', 5],
    ['release.version / 3', 1],
    ['dyn(release).version + 1', 5],
    ['9007199254740993', '9007199254740993'],
    // what is absent
    ['event.?action', null],
    ["event.?action.orValue('none')", 'none'],
    ['has(event.action)', false],
    ['has(event.metadata.revision)', true],
    ["event.metadata.?revision.orValue('')", '6.5.1'],
    ["event.metadata[?'nothing'].hasValue()", false],
    ["event.metadata[?'oci-digest'].orValue('none')", 'none'],
    ['event.?relatedObject.?kind', null],
    ["event.?action == optional.of('Finalize')", false],
    ["event.?action.optMap(action, action + '!').orValue('quiet')", 'quiet'],
    ["event.metadata.?revision.optMap(r, 'v' + r)", 'v6.5.1'],
    ["event.severity == 'error' ? event.message : null", null],
    // objects and lists, as JSON
    ['event.involvedObject', { kind: 'HelmRelease', namespace: 'apps', name: 'podinfo', uid: 'ef3b02e5' }],
    ["{'a': [release.version, 1.5, true, null], 'b': event.?action}", { a: [4, 1.5, true, null], b: null }],
    ['[event].map(event, event.reason)', ['UpgradeSucceeded']],
    ['[1, 2].map(event, event + 1)', [2, 3]],
    ['[event.involvedObject].exists(o, o.name == "podinfo")', true],
    // functions
    ["'AÄb'.lowerAscii() + 'aäB'.upperAscii()", 'aÄbAäB'],
    ["'a-b-c'.replace('-', '+')", 'a+b+c'],
    ["'a-b-c'.replace('-', '+', 1)", 'a+b-c'],
    ["'abc'.charAt(1)", 'b'],
    ["'a😀b'.split('')", ['a', '😀', 'b']],
    ["'a-b-c'.split('-', 2)", ['a', 'b-c']],
    ["'a😀'.replace('', '_')", '_a_😀_'],
    ["'ab'.replace('', '_', 2)", '_a_b'],
    ["'aab'.matches('^a{2}b$')", true],
    ["matches(event.message, 'upgrade')", true],
    ["'2026-11-24'.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}$')", true],
    ['dyn(event.message).matches("^Helm \\\\w+ succeeded")', true],
    ["['x1', 'y'].filter(t, t.matches('[0-9]'))", ['x1']],
    ["'a1'.matches('a' + '[0-9]')", true],
    ["string(timestamp(event.timestamp) + duration('1h'))", '2026-11-24T08:49:41Z'],
    ['int(timestamp(event.timestamp))', 1795506581],
  ])('%s', (text, value) => expect(evaluate(text)).toEqual(value));

  it.each([
    ['event.action', 'No such key: action'],
    ['event.metadata.nothing', 'No such key: nothing'],
    ["event.metadata['nothing']", 'No such key: nothing'],
    ['1 / 0 > 1', 'division by zero'],
    ['9223372036854775807 + 1', 'integer overflow: 9223372036854775808'],
    ['int(1e30)', 'integer overflow: 1000000000000000019884624838656'],
    ['0.0 / 0.0', 'expected a value that JSON can represent, found the double NaN'],
    [
      'dyn(timestamp(event.timestamp))',
      'expected a value that JSON can represent, found bytes, a time, a duration or a type',
    ],
    ["'a'.matches('(' + event.reason)", /^matches: not a regular expression of RE2: missing/],
    ["string(duration('1' + event.message))", 'expected a duration such as 1h30m, found a long text'],
  ])('fails for this event: %s', (text, message) => {
    if (typeof message === 'string') expect(failureOf(text)).toBe(message);
    else expect(failureOf(text)).toMatch(message);
  });

  it('does not repeat all of a text that is wrong', () => {
    const long = someVariables({ message: 'x'.repeat(100_000) });
    const expression = compileExpression('bool(event.message)');
    expect(() => expression.evaluate(long)).toThrow(/^bool\(\) conversion error: invalid string value "x{200,300}…$/);
  });

  it('sees each event anew', () => {
    const expression = compileExpression('event.reason + string(release.version)');
    const other = someVariables({ reason: 'TestFailed' });
    expect(expression.evaluate(variables)).toBe('UpgradeSucceeded4');
    expect(expression.evaluate({ ...other, release: { namespace: 'a', name: 'b', version: 7 } })).toBe('TestFailed7');
    expect(expression.evaluate(variables)).toBe('UpgradeSucceeded4');
  });

  it('costs the same each time, and deducts it from what remains', () => {
    const expression = compileExpression("event.metadata.all(k, k != '')");
    const remaining: RemainingCost = { left: MAX_COST };
    expression.evaluate(variables, remaining);
    const once = MAX_COST - remaining.left;
    expression.evaluate(variables, remaining);
    expect(once).toBeGreaterThan(5);
    expect(MAX_COST - remaining.left).toBe(2 * once);
  });
});

describe('JavaScript', () => {
  it.each([
    'event.constructor',
    'event.__proto__',
    'dyn(event).constructor',
    "dyn(event)['__proto__']",
    "dyn(event)['toString']",
    'event.metadata.constructor',
    "event.metadata['__proto__']",
    "dyn(event.metadata)['hasOwnProperty']",
    'event.reason.length',
    'dyn(event.reason).length',
    "dyn(event.reason)['constructor']",
    "dyn([1])['length']",
    'dyn(1).constructor',
    'dyn(null).constructor',
    'cel.constructor',
    'cel.__proto__',
    'optional.__proto__',
    "optional['constructor']",
    'dyn(optional).__proto__',
    'optional.of(1).?constructor.value()',
    'optional.of(dyn(event)).?constructor.value()',
    "optional.of(dyn(timestamp(event.timestamp)))[?'__proto__'].value()",
    'timestamp(event.timestamp).constructor',
    'dyn(timestamp(event.timestamp)).__proto__',
    "dyn(duration('1s')).seconds",
    'type(1).name',
    'dyn(type(1)).name',
    'dyn(1u).value',
    'google.protobuf.constructor',
    '[1].map(constructor, constructor)[0].constructor',
  ])('is out of reach: %s', (text) => {
    const reading = readExpression(text, 'value');
    if ('expression' in reading) expect(() => reading.expression.evaluate(variables)).toThrow();
    else expect(reading.issue.found).not.toBe('');
  });

  it('cannot be written to, and what comes out is a copy', () => {
    const before = JSON.stringify(variables);
    const frozen = deepFreeze(structuredClone(variables));
    for (const text of ['event', 'event.metadata', '[event.metadata]', "{'e': event.involvedObject}", 'dyn(event)']) {
      const value = compileExpression(text).evaluate(frozen) as Record<string, unknown>;
      value.more = 1;
      expect(compileExpression(text).evaluate(frozen)).not.toHaveProperty('more');
    }
    compileExpression('event.metadata.map(k, k) + [event.reason]').evaluate(frozen);
    expect(JSON.stringify(frozen)).toBe(before);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}

describe('a map with keys that mean something to JavaScript', () => {
  const metadata: Record<string, string> = Object.fromEntries([
    ['constructor', 'a'],
    ['__proto__', 'b'],
    ['env', 'c'],
  ]);
  const withKeys = { ...variables, event: { ...(variables.event as object), metadata } };
  it.each<[string, unknown]>([
    ["event.metadata['env']", 'c'],
    ['event.metadata.?env.orValue("")', 'c'],
    ['has(event.metadata.env)', true],
    ["event.metadata[?'constructor'].orValue('')", 'a'],
    ["event.metadata[?'__proto__'].orValue('')", 'b'],
    ["event.metadata[?'toString'].orValue('')", ''],
    ['event.metadata.map(key, key)', ['constructor', '__proto__', 'env']],
    ['size(event.metadata)', 3],
    ['event.metadata == event.metadata', true],
    ['event.metadata', metadata],
  ])('%s', (text, value) => {
    expect(compileExpression(text).evaluate(withKeys)).toStrictEqual(value);
  });
});
