import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../test/helpers/command-io.ts';
import { FluxCDEventsError } from '../errors.ts';
import { CommandFailed, createCommand, flag, integer } from './command.ts';
import { formatAge, type Io, print, printTable, withProgress } from './io.ts';

afterEach(() => vi.unstubAllEnvs());

type Action = (flags: Record<string, unknown>, io: Io) => void | Promise<void>;
const create = (action: Action) => (io: Io) =>
  createCommand('probe', io)
    .addOption(flag('--fail-rate <n>', 'a number', (option) => option.argParser(integer(0, 10))))
    .addOption(flag('--json', 'a switch'))
    .action((flags) => action(flags, io));
const fail = (error: unknown) =>
  create(() => {
    throw error;
  });

describe('run', () => {
  it.each([
    ['done', create(() => undefined), [], 0, ''],
    ['a command that said it all', fail(new CommandFailed()), [], 1, ''],
    [
      'an error of ours',
      fail(new FluxCDEventsError('FCE_NOT_FOUND', 'none')),
      [],
      1,
      'flux-cdevents: FCE_NOT_FOUND: none\n',
    ],
    [
      'several issues',
      fail(new FluxCDEventsError('FCE_OPTION_INVALID', 'a\nb')),
      [],
      2,
      'flux-cdevents: FCE_OPTION_INVALID: a\nflux-cdevents: FCE_OPTION_INVALID: b\n',
    ],
    ['any other error', fail(new TypeError('boom')), [], 1, 'flux-cdevents: boom\n'],
  ])('%s', async (_, command, argv, code, stderr) => {
    expect(await runCommand(command, argv)).toEqual({ code, stdout: '', stderr });
  });

  it.each([[['--fail-rate', '11']], [['--fail-rate']], [['--unknown']], [['extra']]])('%j is 2', async (argv) => {
    const { code, stderr } = await runCommand(
      create(() => undefined),
      argv,
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/^flux-cdevents: FCE_OPTION_INVALID: .+\nRun the command with --help/);
  });

  it('help is not a failure', async () => {
    const { code, stdout } = await runCommand(
      create(() => undefined),
      ['--help'],
    );
    expect(code).toBe(0);
    expect(stdout).toContain('--fail-rate <n>');
  });
});

describe('flag', () => {
  const flagsOf = async (argv: string[] = []) => {
    let seen: unknown;
    await runCommand(
      create((flags) => {
        seen = flags;
      }),
      argv,
    );
    return seen;
  };

  it.each(['3', 'true', 'false', ''])(
    'is set by the command line alone, not by an environment variable %j',
    async (value) => {
      vi.stubEnv('FLUX_CDEVENTS_FAIL_RATE', value).stubEnv('FLUX_CDEVENTS_JSON', value);
      expect(await flagsOf()).toEqual({});
      expect(await flagsOf(['--fail-rate', '4', '--json'])).toEqual({ failRate: 4, json: true });
    },
  );
});

describe('output', () => {
  const rows = create((_, io) =>
    printTable(
      io,
      ['name', 'note'],
      [
        ['a', { text: 'two\tlines\nhere', style: 'red' }],
        ['bcd', ''],
      ],
    ),
  );

  it('is tab separated when piped', async () => {
    expect((await runCommand(rows, [])).stdout).toBe('a\ttwo lines here\nbcd\t\n');
  });

  it('is aligned and coloured on a terminal, but not with NO_COLOR', async () => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('FORCE_COLOR', undefined);
    expect((await runCommand(rows, [], { tty: true })).stdout).toMatch(/^\S*NAME\S* +\S*NOTE/);
    vi.stubEnv('NO_COLOR', '1');
    expect((await runCommand(rows, [], { tty: true })).stdout).not.toContain('\u001b[');
  });

  it('says that it waits only when it waits', async () => {
    const waiting = (after: number, work: Promise<unknown>) =>
      create(async (_, io) => print(io, String(await withProgress(io, 'asking', work, after))));
    expect(await runCommand(waiting(10_000, Promise.resolve(1)), [])).toMatchObject({ stderr: '' });
    const slow = new Promise((resolve) => setTimeout(resolve, 30, 2));
    expect(await runCommand(waiting(1, slow), [])).toMatchObject({ stderr: 'asking …\n', stdout: '2\n' });
  });

  it.each([
    [-5, '0s'],
    [119_999, '119s'],
    [120_000, '2m'],
    [7_200_000, '2h'],
    [172_800_000, '2d'],
  ])('%s ms are %s', (ms, text) => expect(formatAge(ms)).toBe(text));
});
