import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../test/helpers/eventually.ts';
import { formatIssue } from '../../diagnostics/format.ts';
import { mappingReader } from '../../mapping/file/read-mapping.ts';
import { silentLogger } from '../../observe/log.ts';
import { type ConfigSource, isComplete } from '../config-source.ts';
import { createFileSource } from './file-source.ts';

const aProvider = (name: string, address = 'http://sink') =>
  `apiVersion: notification.toolkit.fluxcd.io/v1\nkind: Provider\nmetadata: {name: ${name}, namespace: apps}\nspec: {type: cdevents, address: ${address}}\n`;

/** Nobody, as whom a test that runs as root reads: permissions do not bind root. */
const NOBODY = 65_534;
const isRoot = process.geteuid?.() === 0;

let parent: string;
let directory: string;
let source: ConfigSource;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'flux-cdevents-unreadable-'));
  directory = join(parent, 'config');
  mkdirSync(join(directory, 'sub'), { recursive: true });
  chmodSync(parent, 0o755);
  write('a.yaml', aProvider('a'));
  write('sub/b.yaml', aProvider('b'));
  if (isRoot) process.seteuid?.(NOBODY);
  source = createFileSource({
    directory,
    readMapping: mappingReader,
    logger: silentLogger(),
    settleMs: 10,
    rescanMs: 20,
  });
});
afterEach(async () => {
  await source.close();
  if (isRoot) process.seteuid?.(0);
  rmSync(parent, { recursive: true, force: true });
});

const write = (name: string, text: string) => writeFileSync(join(directory, name), text);

/** Does what only the owner of the files may do. */
function asOwner<T>(work: () => T): T {
  if (isRoot) process.seteuid?.(0);
  try {
    return work();
  } finally {
    if (isRoot) process.seteuid?.(NOBODY);
  }
}
const mode = (name: string, bits: number) => asOwner(() => chmodSync(join(directory, name), bits));

const names = () => [...(source.snapshot()?.providers.values() ?? [])].map(({ ref }) => ref.name).sort();
const problems = () => source.snapshot()?.problems.map(formatIssue);
const addressOf = (name: string) => {
  const provider = source.snapshot()?.providers.get(`apps/${name}`);
  return provider?.status === 'ready' ? provider.endpoint.address : provider?.status;
};
const isAllKnown = () => isComplete({ unread: source.snapshot()?.unread ?? [] });

describe('without permission', () => {
  it.each([
    ['a file', 'a.yaml', 0o000, 0o644, 'a.yaml: file: expected a readable file, found EACCES'],
    ['a folder', 'sub', 0o000, 0o755, 'sub/: folder: expected a folder that can be read, found EACCES'],
    [
      'a folder that may be listed only',
      'sub',
      0o744,
      0o755,
      'sub/b.yaml: file: expected a readable file, found EACCES',
    ],
    ['the whole folder', '.', 0o000, 0o755, '.: folder: expected a folder that can be read, found EACCES'],
  ])('%s keeps its objects in force until it can be read again', async (_, name, without, withIt, problem) => {
    await source.start();
    mode(name, without);
    await eventually(() => expect(problems()).toEqual([problem]));
    expect(names()).toEqual(['a', 'b']);
    expect(isAllKnown()).toBe(true);
    mode(name, withIt);
    await eventually(() => expect(problems()).toEqual([]));
    expect(source.snapshot()?.unread).toEqual([]);
    expect(names()).toEqual(['a', 'b']);
  });

  it('a file is read anew when it has changed meanwhile', async () => {
    await source.start();
    mode('sub', 0o000);
    await eventually(() => expect(problems()).toHaveLength(1));
    asOwner(() => write('sub/b.yaml', aProvider('b', 'http://next')));
    mode('sub', 0o755);
    await eventually(() => expect(addressOf('b')).toBe('http://next'));
  });

  it('a folder at the start may hold more than is known', async () => {
    mode('sub', 0o000);
    await source.start();
    expect(names()).toEqual(['a']);
    expect(isAllKnown()).toBe(false);
    mode('sub', 0o755);
    await eventually(() => expect(names()).toEqual(['a', 'b']));
    expect(isAllKnown()).toBe(true);
  });

  it('to the whole folder at the start, there is no configuration until it comes', async () => {
    mode('.', 0o000);
    const starting = source.start();
    await eventually(() => expect(source.waitsFor()).toEqual([expect.stringContaining('EACCES')]));
    expect(source.snapshot()).toBeUndefined();
    mode('.', 0o755);
    await starting;
    expect(names()).toEqual(['a', 'b']);
  });
});

describe('a link to nothing', () => {
  it.each(['link.yaml', 'link'])('keeps what it led to, until the link is removed: %s', async (link) => {
    const target = join(parent, link === 'link' ? 'elsewhere' : 'elsewhere.yaml');
    const place = () => {
      if (link === 'link') mkdirSync(target);
      writeFileSync(link === 'link' ? join(target, 'c.yaml') : target, aProvider('c'));
    };
    asOwner(() => {
      place();
      symlinkSync(target, join(directory, link));
    });
    await source.start();
    asOwner(() => rmSync(target, { recursive: true }));
    await eventually(() => expect(problems()).toEqual([expect.stringMatching(/^link.*: expected .* found ENOENT$/)]));
    expect(names()).toEqual(['a', 'b', 'c']);
    expect(isAllKnown()).toBe(true);
    asOwner(place);
    await eventually(() => expect(problems()).toEqual([]));
    asOwner(() => unlinkSync(join(directory, link)));
    await eventually(() => expect(names()).toEqual(['a', 'b']));
    expect(problems()).toEqual([]);
  });

  it('may have led anywhere when it is found at the start', async () => {
    asOwner(() => symlinkSync('nowhere', join(directory, 'lost.yaml')));
    await source.start();
    expect(problems()).toEqual(['lost.yaml: file: expected a readable file, found ENOENT']);
    expect(isAllKnown()).toBe(false);
  });
});

it('what a file system puts into its root is no configuration', async () => {
  asOwner(() => mkdirSync(join(directory, 'lost+found'), { mode: 0o000 }));
  await source.start();
  expect(problems()).toEqual([]);
});

/** Sets how many files this process may have open, from outside: without a free one it could start no process. */
function startLimiter() {
  const child = spawn('sh', ['-c', `while read n; do prlimit --pid ${process.pid} --nofile=$n: && echo $n; done`]);
  const limit = async (open: string) => {
    child.stdin.write(`${open}\n`);
    await once(child.stdout, 'data');
  };
  return { limit, end: () => child.kill() };
}

describe.runIf(process.platform === 'linux')('without a free file descriptor', () => {
  it('everything stays as it was, and is read without another change when there is one again', async () => {
    if (isRoot) process.seteuid?.(0); // only the owner of a process may limit it
    const limiter = startLimiter();
    await source.start();
    try {
      await limiter.limit('3');
      await eventually(() => expect(problems()).toEqual([expect.stringMatching(/EMFILE/)]));
      expect(names()).toEqual(['a', 'b']);
      expect(isAllKnown()).toBe(true);
    } finally {
      await limiter.limit('1024');
    }
    await eventually(() => expect(problems()).toEqual([]));
    limiter.end();
  });
});
