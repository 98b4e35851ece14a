import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createEvent, toHttp } from 'cdevents-sdk';
import { describe, expect, it } from 'vitest';
import { createCheckCommand } from '../src/commands/check.ts';
import { createConvertCommand } from '../src/commands/convert.ts';
import { createDeliveriesCommand } from '../src/commands/deliveries.ts';
import { createDemoCommand } from '../src/commands/demo.ts';
import { createInstallCommand } from '../src/commands/install.ts';
import { createMappingCommand } from '../src/commands/mapping.ts';
import { createSendCommand } from '../src/commands/send.ts';
import { createSinkCommand } from '../src/commands/sink.ts';
import { runCommand } from './helpers/command-io.ts';

const BIN = join(import.meta.dirname, '../bin/flux-cdevents.js');
const ROLLOUT = join(import.meta.dirname, '../demo/rollout.jsonl');
const BROKEN = join(import.meta.dirname, '../src/commands/mapping/fixtures/broken.yaml');

/** The command as a user runs it, piped. */
function start(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [BIN, ...argv], { env: { PATH: process.env.PATH, ...env } });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return {
    child,
    ended: ended.then(([stdout, stderr, [code]]) => ({ code: code as number | null, stdout, stderr })),
  };
}
const cli = (argv: readonly string[], { stdin = '', env = {} }: { stdin?: string; env?: NodeJS.ProcessEnv } = {}) => {
  const { child, ended } = start(argv, env);
  child.stdin.end(stdin);
  return ended;
};

const expectHelp = (stdout: string) => {
  expect(stdout).toContain('\nExamples:\n  $ flux-cdevents ');
  expect(stdout).toContain('\nExit codes:\n');
};

describe('flux-cdevents', () => {
  it.concurrent.each(['', 'serve', 'deliveries list'])('help of %s has examples and exit codes', async (command) => {
    const { code, stdout, stderr } = await cli([...command.split(' ').filter(Boolean), '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: flux-cdevents /);
    expectHelp(stdout);
  });

  it.each([
    [createDemoCommand, []],
    [createSinkCommand, []],
    [createConvertCommand, []],
    [createCheckCommand, []],
    [createMappingCommand, ['show', 'test', 'schema']],
    [createDeliveriesCommand, ['show', 'replay', 'discard']],
    [createSendCommand, []],
    [createInstallCommand, []],
  ])('so has that of %o and %j', async (create, below) => {
    for (const argv of [[], ...below.map((name) => [name])]) {
      const { code, stdout } = await runCommand(create, [...argv, '--help']);
      expect(code).toBe(0);
      expectHelp(stdout);
    }
  });

  it('leaves --version behind a command to the command', async () => {
    const { code, stdout } = await cli(['install', '--export', '--version', 'v9.9.9']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('/flux-cdevents:v9.9.9\n')]);
  });

  it('says its version', async () => {
    expect(await cli(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it.each([
    [[], 2, /^Usage: flux-cdevents/],
    [['delivery'], 2, /^flux-cdevents: FCE_OPTION_INVALID: unknown command 'delivery'/],
    [['sink', '--port', 'x'], 2, /^flux-cdevents: FCE_OPTION_INVALID: option '--port <number>'/],
    [['serve'], 2, /^flux-cdevents: FCE_OPTION_INVALID: --config: /],
    [['convert', '/nowhere'], 2, /^flux-cdevents: FCE_OPTION_INVALID: cannot read/],
    [['convert', '--mapping', BROKEN], 1, /^\S+broken\.yaml:4:18: rules\[0\]\.match: expected a field of event: /],
    [['mapping', 'show', '--mapping', BROKEN], 1, /\n\S+broken\.yaml:6:15: rules\[0\]\.emit\[0\]\.type: expected /],
    [
      ['mapping', 'test', BROKEN.replace('.yaml', '.cases.yaml')],
      2,
      /^\S+broken\.cases\.yaml:4:14: cases\[0\]\.event\.reson: /,
    ],
    [['mapping', 'test', '/nowhere'], 2, /^flux-cdevents: FCE_OPTION_INVALID: cannot read/],
    [['check', '/nowhere'], 1, /^flux-cdevents: FCE_CONFIG_INVALID: /],
    [['deliveries', 'list', '--server', 'http://127.0.0.1:1'], 1, /^flux-cdevents: FCE_API_UNREACHABLE: no controller/],
  ])('%j exits with %s and one clear line', async (argv, code, message) => {
    const result = await cli(argv);
    expect(result).toEqual({ code, stdout: '', stderr: expect.stringMatching(message) });
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it('pipes: JSON lines out, everything else on stderr, nothing coloured', async () => {
    const { code, stdout, stderr } = await cli(['convert'], { stdin: readFileSync(ROLLOUT, 'utf8') });
    expect(code).toBe(0);
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).context.type);
    expect(types).toHaveLength(12);
    expect(stderr).toMatch(/14 Flux events: 12 CDEvents, 2 skipped \(1 unmapped, 1 unchanged\), 0 invalid\n$/);
    expect(stdout + stderr).not.toContain('\u001b');
  });

  it('takes a reader that goes away for no failure', async () => {
    const child = spawn(process.execPath, [BIN, 'convert', ROLLOUT], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
  });

  it('reads the flags of serve from the environment, and those of no other command', async () => {
    const serve = await cli(['serve'], { env: { FLUX_CDEVENTS_CONFIG: '/nowhere', FLUX_CDEVENTS_CONCURRENT: 'many' } });
    expect(serve.stderr).toBe(
      'flux-cdevents: FCE_OPTION_INVALID: --concurrent: expected a whole number from 1, found many\n',
    );
    const stdin = readFileSync(ROLLOUT, 'utf8').split('\n')[2] ?? '';
    const { stdout } = await cli(['convert'], { stdin, env: { FLUX_CDEVENTS_CLUSTER: 'eu-1' } });
    expect(JSON.parse(stdout).subject.id).toBe('apps');
  });
});

describe('flux-cdevents sink', () => {
  it('takes a port, prints what arrives, and prints counts when it ends', async () => {
    const { child, ended } = start(['sink', '--port', '0']);
    const [banner] = (await once(child.stderr, 'data')) as [Buffer];
    const url = /listening on (\S+)/.exec(String(banner))?.[1] ?? '';
    const event = createEvent('service.removed', {
      context: { id: 'id-1', source: '/flux', timestamp: '2026-11-24T07:48:28Z' },
      subject: { id: 'apps/podinfo', content: { environment: { id: 'apps' } } },
    });
    const { headers, body } = toHttp(event);
    for (let times = 0; times < 2; times += 1) {
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(202);
    }
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(400);
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ').slice(1));
    expect(lines).toEqual([
      ['dev.cdevents.service.removed.0.2.0', 'apps/podinfo', '/flux', 'id-1'],
      ['dev.cdevents.service.removed.0.2.0', 'apps/podinfo', '/flux', 'id-1', 'duplicate'],
      ['invalid 400', 'dev.cdevents.service.removed.0.2.0', expect.stringContaining('context')],
    ]);
    expect(stderr).toMatch(/\n2 CDEvents accepted, 1 of them distinct; 0 refused on purpose, 1 invalid\n$/);
  });

  it('1 when it cannot listen', async () => {
    const { code, stderr } = await cli(['sink', '--host', '192.0.2.1', '--port', '0']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^flux-cdevents: FCE_LISTEN_FAILED: /)]);
  });
});

describe('flux-cdevents demo', () => {
  const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('flux-cdevents-demo-'));
  /** Resolves with everything that the stream said once it matches. */
  const said = async (stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> => {
    let heard = '';
    for (;;) {
      const [chunk] = (await once(stream, 'data')) as [Buffer];
      heard += String(chunk);
      if (pattern.test(heard)) return heard;
    }
  };

  it('loses nothing, keeps running with --keep, and leaves nothing behind', async () => {
    const before = leftovers();
    const { child, ended } = start(['demo', '--keep']);
    const hint = await said(child.stderr, /deliveries list --server \S+\n/);
    const server = /deliveries list --server (\S+)\n/.exec(hint)?.[1] ?? '';
    const listed = await cli(['deliveries', 'list', '--state', 'delivered', '--server', server]);
    expect(listed.stdout.trimEnd().split('\n')).toHaveLength(12);
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(stdout).toMatch(/\nposted 14, CDEvents 12, delivered 12, attempts \d+, lost 0, invalid 0, in [\d.]+ s\n$/);
    expect(stdout).toContain('retrying: ');
    expect(Number(/attempts (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(12);
    expect(code).toBe(0);
    expect(leftovers()).toEqual(before);
  }, 40_000);

  it('shows the same rollout with another preset', async () => {
    const { code, stdout } = await cli(['demo', '--preset', 'service']);
    expect(stdout).toContain('annotated preset: service');
    expect(stdout).toMatch(/HelmRelease apps\/podinfo +UpgradeFailed +incident\.detected +yes/);
    expect(stdout).toMatch(/\nposted 14, CDEvents 13, delivered 13, attempts \d+, lost 0, invalid 0, in [\d.]+ s\n$/);
    expect(code).toBe(0);
  }, 40_000);

  it('cleans up when it is interrupted', async () => {
    const before = leftovers();
    const { child, ended } = start(['demo']);
    await said(child.stdout, /^controller/);
    child.kill('SIGINT');
    expect((await ended).code).toBe(1);
    expect(leftovers()).toEqual(before);
  });
});
