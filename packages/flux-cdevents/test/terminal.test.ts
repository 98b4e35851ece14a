import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createCheckCommand } from '../src/commands/check.ts';
import { bad } from '../src/commands/cluster/finding.ts';
import { printFindings } from '../src/commands/cluster/print-findings.ts';
import { createCommand } from '../src/commands/command.ts';
import { createConvertCommand } from '../src/commands/convert.ts';
import { createDeliveriesCommand } from '../src/commands/deliveries.ts';
import { type Io, note, paint, print, printAligned, printJson, printLines, printTable } from '../src/commands/io.ts';
import { createMappingCommand } from '../src/commands/mapping.ts';
import { createSendCommand } from '../src/commands/send.ts';
import { startTestApi, type TestApi } from './helpers/api.ts';
import { plain, type RunOptions, runCommand } from './helpers/command-io.ts';
import { aFluxEvent } from './helpers/flux-events.ts';

/*
 * Names, reasons, messages and errors come from outside. Whatever is in them, a terminal only shows it: no command lets
 * through a character that moves the cursor, changes the direction of text, or begins a line that nobody meant.
 */

const BIN = join(import.meta.dirname, '../bin/flux-cdevents.js');

/** Clears the screen in two ways, turns text round, hides text, and forges a line. */
const HOSTILE = 'x\u001b[2J\u009b2J\u007f\u202egnp\u2066\u200b\u061c\u2028\nforged\r\ttext';
const SHOWN = 'x\\x1b[2J\\u009b2J\\x7f\\u202egnp\\u2066\\u200b\\u061c\\u2028\\nforged\\r\\ttext';
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const hostileEvent = (overrides: Parameters<typeof aFluxEvent>[0] = {}) =>
  aFluxEvent({ message: HOSTILE, involvedObject: { name: HOSTILE }, ...overrides });

/** The lines of an output, once it is sure that nothing else than line feeds and colours is in it. */
function linesOf(output: string): readonly string[] {
  const lines = plain(output).split('\n');
  for (const line of lines) expect(line.replaceAll('\t', ' ')).not.toMatch(OBEYED);
  expect(lines.filter((line) => line.startsWith('forged'))).toEqual([]);
  return lines;
}

const both: readonly [string, RunOptions][] = [
  ['piped', {}],
  ['on a terminal', { tty: true }],
];

let folder: string;
const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-terminal-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(both)('convert %s', (_, options) => {
  const convert = async (argv: readonly string[], ...events: readonly object[]) => {
    const stdin = events.map((event) => JSON.stringify(event)).join('\n');
    const { stdout, stderr } = await runCommand(createConvertCommand, argv, { ...options, stdin });
    return [...linesOf(stdout), ...linesOf(stderr)].join('\n');
  };

  it('shows what was made, and what gave nothing', async () => {
    expect(await convert([], hostileEvent())).toContain('gnp');
    expect(await convert([], hostileEvent({ reason: HOSTILE }))).toContain(
      `HelmRelease apps/${SHOWN} ${SHOWN}: skipped`,
    );
    expect(await convert([], { ...hostileEvent(), severity: HOSTILE })).toContain('invalid');
    expect(await convert(['--explain'], hostileEvent())).toContain('rules tried');
    expect(await convert(['--explain', '--json'], hostileEvent())).toContain('"tried"');
  });

  it('says what is no JSON', async () => {
    const { stderr } = await runCommand(createConvertCommand, [], { ...options, stdin: `{"a": ${HOSTILE}` });
    expect(linesOf(stderr).join('\n')).toContain('not JSON');
  });
});

describe.each(both)('a running controller %s', (_, options) => {
  let api: TestApi;
  let server: string;
  let id: string;
  const call = async (create: Parameters<typeof runCommand>[0], argv: readonly string[]) => {
    const { stdout, stderr } = await runCommand(create, [...argv, '--server', server], options);
    return [...linesOf(stdout), ...linesOf(stderr)].join('\n');
  };

  beforeEach(async () => {
    api = await startTestApi();
    server = await api.server.listen({ host: '127.0.0.1', port: 0 });
    const event = file('event.json', JSON.stringify(hostileEvent({ reason: 'InstallSucceeded' })));
    const argv = ['--provider', 'flux-system/hub', '--file', event, '--json', '--server', server];
    id = JSON.parse((await runCommand(createSendCommand, argv)).stdout).id;
    const [entry] = await api.claim();
    if (!entry) throw new Error('nothing was stored');
    await api.outbox.settle([{ id, leaseId: entry.leaseId, outcome: 'dead-letter', error: HOSTILE }]);
  });
  afterEach(() => api.close());

  it('lists', async () => {
    expect(await call(createDeliveriesCommand, ['list'])).toContain(
      'HelmRelease/apps/x\\x1b[2J\\u009b2J\\x7f\\u202egnp',
    );
    expect(JSON.parse(await call(createDeliveriesCommand, ['list', '--json'])).lastError).toBe(HOSTILE);
  });

  it('shows', async () => {
    expect(await call(createDeliveriesCommand, ['show', id])).toContain(SHOWN);
    const shown = JSON.parse(await call(createDeliveriesCommand, ['show', id, '--json']));
    expect(shown.fluxEvent.message).toBe(JSON.parse(JSON.stringify(hostileEvent())).message);
  });

  it('refuses', async () => {
    expect(await call(createDeliveriesCommand, ['show', HOSTILE])).toContain('no delivery has the id');
    expect(await call(createDeliveriesCommand, [HOSTILE])).toContain('unknown command');
    expect(await call(createSendCommand, ['--provider', `flux-system/${HOSTILE}`])).toContain('FCE_');
  });
});

describe('the other commands', () => {
  const output = async (create: Parameters<typeof runCommand>[0], argv: readonly string[]) => {
    const { stdout, stderr } = await runCommand(create, argv);
    return [...linesOf(stdout), ...linesOf(stderr)].join('\n');
  };

  it('check', async () => {
    const provider = {
      apiVersion: 'notification.toolkit.fluxcd.io/v1',
      kind: 'Provider',
      metadata: {
        name: HOSTILE,
        namespace: HOSTILE,
        annotations: { [`cdevents.toolkit.fluxcd.io/${HOSTILE}`]: HOSTILE },
      },
      spec: { type: 'cdevents', address: HOSTILE, [HOSTILE]: HOSTILE, secretRef: { name: HOSTILE } },
    };
    const path = file('providers.json', JSON.stringify(provider));
    expect(await output(createCheckCommand, [path])).toContain('Provider');
    expect(JSON.parse((await runCommand(createCheckCommand, [path, '--json'])).stdout).problems).not.toEqual([]);
    linesOf((await runCommand(createCheckCommand, [path, '--json'])).stdout);
  });

  it('check --kubernetes', async () => {
    const finding = bad('error', 'Providers', {
      code: 'invalid-value',
      object: { kind: 'Provider', namespace: 'apps', name: HOSTILE },
      path: [HOSTILE],
      expected: 'an address',
      found: HOSTILE,
      fix: HOSTILE,
    });
    const printing = (io: Io) => createCommand('print', io).action(() => printFindings(io, [finding]));
    expect(await output(printing, [])).toContain(`✗ Provider apps/${SHOWN}: ${SHOWN}: expected an address`);
  });

  it('mapping show, which stays the same mapping', async () => {
    const match = "event.reason == 'x\u001b[2J\u009b2J\u007f\u202egnp\u2028\ttext'";
    const path = file('mapping.yaml', stringify({ rules: [{ name: 'mine', match, emit: [] }] }));
    const shown = await output(createMappingCommand, ['show', '--preset', 'none', '--mapping', path]);
    expect(shown).toContain('[2J\\u009b2J\\x7f\\u202e');
    expect(parse(shown).rules[0].match).toBe(match);
  });

  it('mapping test', async () => {
    const cases = file(
      'mapping.cases.yaml',
      stringify({
        cases: [{ name: HOSTILE, event: hostileEvent({ reason: 'InstallFailed' }), expect: [] }],
      }),
    );
    expect(await output(createMappingCommand, ['test', cases])).toContain(`✗ ${SHOWN}`);
    expect(await output(createMappingCommand, ['test', cases, '--json'])).toContain('"failed": 1');
  });

  it.each([
    ['for people', []],
    ['as JSON', ['--json']],
  ])('sink %s', async (_, argv) => {
    const child = spawn(process.execPath, [BIN, 'sink', '--port', '0', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout = text(child.stdout);
    const [banner] = (await once(child.stderr, 'data')) as [Buffer];
    const url = /listening on (\S+)/.exec(String(banner))?.[1] ?? '';
    const body = JSON.stringify({ specversion: '1.0', type: HOSTILE, source: '/a', id: HOSTILE, data: {} });
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/cloudevents+json' }, body });
    child.kill('SIGTERM');
    const lines = linesOf(await stdout).filter((line) => line !== '');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('gnp');
  });
});

/** Every kind of character, lone surrogates included. */
const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });

describe('whatever a text holds', () => {
  it.each<[string, (io: Io, text: string) => void, number]>([
    ['print', (io, value) => print(io, value), 1],
    ['print with colours', (io, value) => print(io, ['a ', paint('red', value), [' b ', value]]), 1],
    ['note', (io, value) => note(io, [value, paint('dim', value)]), 1],
    ['printTable', (io, value) => printTable(io, [value], [[value, paint('green', value)]]), 1],
    ['printAligned', (io, value) => printAligned(io, [value], [[paint('green', value)]]), 2],
    ['printJson', (io, value) => printJson(io, { [value]: value }), 1],
    ['printLines', (io, value) => printLines(io, value.replaceAll('\n', '')), 1],
  ])('%s writes the lines that it means', async (_, write, count) => {
    const printing = (value: string) => (io: Io) => createCommand('print', io).action(() => write(io, value));
    await fc.assert(
      fc.asyncProperty(anyText, async (value) => {
        const { stdout, stderr } = await runCommand(printing(value), []);
        expect(linesOf(stdout + stderr)).toHaveLength(count + 1);
      }),
    );
  });

  it('convert writes events whose JSON is the same value', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (message, name) => {
        const event = aFluxEvent({ message, involvedObject: { name: `a${name}` } });
        const argv = ['--content-mode', 'structured'];
        const { stdout, stderr } = await runCommand(createConvertCommand, argv, { stdin: JSON.stringify(event) });
        linesOf(stderr);
        const [line = '', ...rest] = linesOf(stdout);
        expect(rest).toEqual(line === '' ? [] : ['']);
        if (line !== '')
          expect(JSON.parse(line).body.data.customData.flux).toMatchObject({ message: message.toWellFormed() });
      }),
      { numRuns: 30 },
    );
  });
});
