import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain } from '../../test/helpers/command-io.ts';
import { createLogger, type LogEncoding } from './log.ts';

function logged(log: (logger: ReturnType<typeof createLogger>) => void): {
  line: string;
  fields: Record<string, unknown>;
} {
  const lines: string[] = [];
  log(createLogger({ level: 'info', encoding: 'json' }, { write: (line) => void lines.push(line) }));
  expect(lines).toHaveLength(1);
  return { line: lines[0] ?? '', fields: JSON.parse(lines[0] ?? '') };
}

const LONG = 'x'.repeat(3 * 1024 * 1024);
const CUT = `${'x'.repeat(2000)}… (3,145,728 characters)`;

it('writes one JSON object a line', () => {
  const { line, fields } = logged((logger) => logger.child({ logger: 'deliver' }).info({ count: 1, ok: true }, 'done'));
  expect(line).toMatch(/}\n$/);
  expect(fields).toEqual({ level: 'info', ts: expect.any(String), logger: 'deliver', msg: 'done', count: 1, ok: true });
});

it.each<[string, object, object]>([
  ['a text', { error: LONG }, { error: CUT }],
  ['a text in a list', { conflicts: [{ key: LONG }] }, { conflicts: [{ key: CUT }] }],
  ['a key', { [LONG]: 1 }, { [CUT]: 1 }],
  [
    'many long texts',
    { keys: Array(50).fill(LONG) },
    { keys: [CUT, CUT, CUT, expect.stringMatching(/^x+… /), ...Array(46).fill('… (3,145,728 characters)')] },
  ],
  ['a list', { keys: Array(60).fill('k') }, { keys: [...Array(50).fill('k'), '… 10 more'] }],
  [
    'a map',
    { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, i])) },
    { metadata: { k49: 49, '…': '1 more' } },
  ],
  ['what is nested deeply', { a: { b: { c: { d: { e: { f: 1 } } } } } }, { a: { b: { c: { d: { e: '…' } } } } }],
])('shortens %s', (_, fields, expected) => {
  const found = logged((logger) => logger.info(fields, 'message'));
  expect(found.fields).toMatchObject(expected);
  expect(found.line.length).toBeLessThan(10_000);
});

it('shortens the message', () => {
  expect(logged((logger) => logger.info(LONG)).fields.msg).toBe(CUT);
  expect(logged((logger) => logger.info({}, LONG)).fields.msg).toBe(CUT);
});

it('leaves errors to pino, and what is short as it is', () => {
  const { fields } = logged((logger) => logger.error({ err: new Error('broken'), none: null, at: new Date(0) }, 'm'));
  expect(fields).toMatchObject({ err: { message: 'broken' }, none: null, at: '1970-01-01T00:00:00.000Z' });
});

const written = (encoding: LogEncoding, fields: object, message: string): string => {
  let text = '';
  const logger = createLogger(
    { level: 'debug', encoding },
    {
      write: (line) => {
        text += line;
      },
    },
  );
  logger.child({ logger: 'deliver' }).info(fields, message);
  return text;
};

const hostile = '\u001b[2J\u009b \u007f\n\u202egnp.exe\u2028 \ud83d';

describe('json', () => {
  it('is one line of valid JSON that no terminal obeys', () => {
    const line = written('json', { error: hostile, nested: { [hostile]: 1 } }, hostile);
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      ts: expect.any(String),
      logger: 'deliver',
      error: hostile,
      nested: { [hostile]: 1 },
      msg: hostile,
    });
  });
});

describe('console', () => {
  it('shows what no terminal should obey', () => {
    const text = plain(written('console', { error: hostile, nested: { key: hostile } }, hostile));
    expect(text).toMatch(/^[\x20-\x7e\n]+$/);
    expect(text).toContain('INFO: \\x1b[2J\\u009b \\x7f\\n\\u202egnp.exe\\u2028 \\ud83d\n');
    expect(text).toContain('error: "\\\\x1b[2J');
  });
});

it('has the lines that it means, and no others, whatever is logged', () => {
  const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
  const linesOf = (encoding: LogEncoding, text: string) =>
    plain(written(encoding, { error: text }, text)).split('\n').length;
  fc.assert(
    fc.property(anyText, (text) => {
      expect(linesOf('json', text)).toBe(2);
      expect(linesOf('console', text)).toBe(3);
      expect(plain(written('console', { error: text, [text]: 1 }, text)).replaceAll('\n', '')).not.toMatch(
        /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u,
      );
    }),
  );
});
