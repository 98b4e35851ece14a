import { mkdir, mkdtemp, realpath, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatIssue } from '../../diagnostics/format.ts';
import { mappingReader } from '../../mapping/file/read-mapping.ts';
import { silentLogger } from '../../observe/log.ts';
import type { ConfigSnapshot, ConfigSource } from '../config-source.ts';
import { createFileSource } from './file-source.ts';

const aProvider = (name: string, address: string) => `apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata: {name: ${name}, namespace: flux-system}
spec: {type: cdevents, address: "${address}"}
`;

let parent: string;
let directory: string;
let source: ConfigSource | undefined;

beforeEach(async () => {
  parent = await realpath(await mkdtemp(join(tmpdir(), 'flux-cdevents-')));
  directory = join(parent, 'config');
  await mkdir(directory);
});

afterEach(async () => {
  await source?.close();
  source = undefined;
  await rm(parent, { recursive: true, force: true });
});

const write = (name: string, text: string) => writeFile(join(directory, name), text);

async function start(options: { readonly rescanMs?: number; readonly settleMs?: number } = {}) {
  source = createFileSource({
    directory,
    readMapping: mappingReader,
    logger: silentLogger(),
    settleMs: 20,
    ...options,
  });
  await source.start();
  return source;
}

const addressesIn = (snapshot: ConfigSnapshot | undefined) =>
  Object.fromEntries(
    [...(snapshot?.providers ?? [])].map(([name, provider]) => [
      name.replace('flux-system/', ''),
      provider.status === 'ready' ? provider.endpoint.address : provider.status,
    ]),
  );

/** Waits until the Providers are these: a change has to arrive within a second. */
const expectAddresses = (expected: Readonly<Record<string, string>>) =>
  vi.waitFor(() => expect(addressesIn(source?.snapshot())).toEqual(expected), { timeout: 1000, interval: 10 });

const expectProblems = (expected: readonly unknown[]) =>
  vi.waitFor(() => expect(source?.snapshot()?.problems.map(formatIssue)).toEqual(expected), { timeout: 1000 });

describe('start', () => {
  it('loads the whole folder before it resolves', async () => {
    await mkdir(join(directory, 'deep/er'), { recursive: true });
    await write('a.yaml', aProvider('a', 'http://a'));
    await write('deep/b.yml', aProvider('b', 'http://b'));
    await write('deep/er/c.json', JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [] }));
    await write('.hidden.yaml', aProvider('hidden', 'http://no'));
    await write('notes.txt', aProvider('text', 'http://no'));
    const { snapshot } = await start();
    expect(addressesIn(snapshot())).toEqual({ a: 'http://a', b: 'http://b' });
    expect(snapshot()?.problems).toEqual([]);
  });

  it('has no snapshot before', () => {
    source = createFileSource({ directory, readMapping: mappingReader, logger: silentLogger() });
    expect(source.snapshot()).toBeUndefined();
  });

  it('is content with an empty folder', async () => {
    expect((await start()).snapshot()).toEqual({ alerts: [], providers: new Map(), problems: [], unread: [] });
  });

  it('fails when there is no folder', async () => {
    await write('file.yaml', '');
    for (const path of [join(parent, 'nowhere'), join(directory, 'file.yaml')]) {
      const failing = createFileSource({ directory: path, readMapping: mappingReader, logger: silentLogger() });
      await expect(failing.start()).rejects.toMatchObject({ code: 'FCE_CONFIG_INVALID' });
      await failing.close();
    }
  });
});

describe('a change', () => {
  it('notifies listeners once, with the new snapshot', async () => {
    await write('a.yaml', aProvider('a', 'http://a'));
    const started = await start();
    const seen: unknown[] = [];
    const stop = started.onChange((snapshot) => seen.push(addressesIn(snapshot)));
    await write('a.yaml', aProvider('a', 'http://new'));
    await expectAddresses({ a: 'http://new' });
    expect(seen).toEqual([{ a: 'http://new' }]);
    stop();
    await write('a.yaml', aProvider('a', 'http://newer'));
    await expectAddresses({ a: 'http://newer' });
    expect(seen).toHaveLength(1);
  });

  it('may be a new file, one in a new folder, and a deletion', async () => {
    await write('a.yaml', aProvider('a', 'http://a'));
    await start();
    await write('b.yaml', aProvider('b', 'http://b'));
    await expectAddresses({ a: 'http://a', b: 'http://b' });
    await mkdir(join(directory, 'more'));
    await write('more/c.yaml', aProvider('c', 'http://c'));
    await expectAddresses({ a: 'http://a', b: 'http://b', c: 'http://c' });
    await write('more/c.yaml', aProvider('c', 'http://c2'));
    await expectAddresses({ a: 'http://a', b: 'http://b', c: 'http://c2' });
    await rm(join(directory, 'a.yaml'));
    await rm(join(directory, 'more'), { recursive: true });
    await expectAddresses({ b: 'http://b' });
  });

  it('may be a rename over the file, as editors save', async () => {
    await write('a.yaml', aProvider('a', 'http://a'));
    await start();
    await write('.a.yaml.swp', aProvider('a', 'http://saved'));
    await rename(join(directory, '.a.yaml.swp'), join(directory, 'a.yaml'));
    await expectAddresses({ a: 'http://saved' });
    await rename(join(directory, 'a.yaml'), join(directory, 'b.yaml'));
    await write('a.yaml', aProvider('x', 'http://x'));
    await expectAddresses({ a: 'http://saved', x: 'http://x' });
  });

  it('is seen though size and modification time stay', async () => {
    await write('a.yaml', aProvider('a', 'http://1'));
    const at = new Date(1_700_000_000_000);
    await utimes(join(directory, 'a.yaml'), at, at);
    await start();
    await write('a.yaml', aProvider('a', 'http://2'));
    await utimes(join(directory, 'a.yaml'), at, at);
    await expectAddresses({ a: 'http://2' });
  });

  it('is not seen while it is only half written', async () => {
    await write('a.yaml', aProvider('a', 'http://a'));
    const started = await start({ settleMs: 400 });
    const seen: unknown[] = [];
    started.onChange((snapshot) => seen.push(addressesIn(snapshot)));
    const text = aProvider('a', 'http://b');
    await write('a.yaml', '');
    await write('a.yaml', text.slice(0, 60));
    await write('a.yaml', text);
    await expectAddresses({ a: 'http://b' });
    expect(seen).toEqual([{ a: 'http://b' }]);
  });

  it('does not notify listeners when nothing relevant changed', async () => {
    await write('a.yaml', aProvider('a', 'http://a'));
    const started = await start();
    const listener = vi.fn();
    started.onChange(listener);
    await utimes(join(directory, 'a.yaml'), new Date(), new Date());
    await write('a.yaml', aProvider('a', 'http://a'));
    await write('b.yaml', aProvider('b', 'http://b'));
    await expectAddresses({ a: 'http://a', b: 'http://b' });
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

describe('a mounted ConfigMap', () => {
  /** Lays a version out as the kubelet does: files in a folder of their own, `..data` pointing to it. */
  async function mount(version: string, files: Readonly<Record<string, string>>) {
    await mkdir(join(directory, `..${version}`));
    for (const [name, text] of Object.entries(files)) await write(`..${version}/${name}`, text);
    await symlink(`..${version}`, join(directory, '..data_tmp'));
    await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  }

  it('is read through its links, and swapped as a whole', async () => {
    await mount('1', { 'a.yaml': aProvider('a', 'http://a1'), 'b.yaml': aProvider('b', 'http://b1') });
    for (const name of ['a.yaml', 'b.yaml']) await symlink(`..data/${name}`, join(directory, name));
    const started = await start();
    const seen: unknown[] = [addressesIn(started.snapshot())];
    started.onChange((snapshot) => seen.push(addressesIn(snapshot)));
    await mount('2', { 'a.yaml': aProvider('a', 'http://a2'), 'b.yaml': aProvider('b', 'http://b2') });
    await rm(join(directory, '..1'), { recursive: true });
    await expectAddresses({ a: 'http://a2', b: 'http://b2' });
    expect(seen).toEqual([
      { a: 'http://a1', b: 'http://b1' },
      { a: 'http://a2', b: 'http://b2' },
    ]);
  });

  it('may have folders', async () => {
    await mkdir(join(directory, '..1/sub'), { recursive: true });
    await write('..1/sub/a.yaml', aProvider('a', 'http://a1'));
    await symlink('..1', join(directory, '..data'));
    await symlink('..data/sub', join(directory, 'sub'));
    await start();
    expect(addressesIn(source?.snapshot())).toEqual({ a: 'http://a1' });
    await mkdir(join(directory, '..2/sub'), { recursive: true });
    await write('..2/sub/a.yaml', aProvider('a', 'http://a2'));
    await symlink('..2', join(directory, '..data_tmp'));
    await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    await expectAddresses({ a: 'http://a2' });
    await write('..2/sub/a.yaml', aProvider('a', 'http://a3'));
    await expectAddresses({ a: 'http://a3' });
  });
});

describe('links', () => {
  it('may lead to a file elsewhere and in circles', async () => {
    await writeFile(join(parent, 'outside.yaml'), aProvider('a', 'http://a'));
    await symlink(join(parent, 'outside.yaml'), join(directory, 'a.yaml'));
    await symlink('.', join(directory, 'circle'));
    await start({ rescanMs: 50 });
    await writeFile(join(parent, 'outside.yaml'), aProvider('a', 'http://b'));
    await expectAddresses({ a: 'http://b' });
    expect(source?.snapshot()?.problems).toEqual([]);
  });
});

it('applies a mapping that changes, and waits with its Provider while it is wrong', async () => {
  const mapped = aProvider('a', 'http://a').replace(
    /name: a\b/,
    'name: a, annotations: {cdevents.toolkit.fluxcd.io/mapping: rules}',
  );
  const rules = (preset: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules, namespace: flux-system}\ndata:\n  mapping.yaml: |\n    preset: ${preset}\n    rules: []\n`;
  const provider = () => source?.snapshot()?.providers.get('flux-system/a');
  const preset = () => {
    const found = provider();
    return found?.status === 'ready' ? found.options.preset : found?.status;
  };
  await write('a.yaml', mapped);
  await write('rules.yaml', rules('service'));
  await start();
  expect(preset()).toBe('service');
  const { fingerprint } = provider() as { readonly fingerprint?: string };
  await write('rules.yaml', rules('servise'));
  await expectProblems([
    expect.stringMatching(/^rules\.yaml:6: Provider flux-system\/a: ConfigMap rules: mapping\.yaml:1:9: /),
  ]);
  expect(preset()).toBe('invalid');
  await write('rules.yaml', rules('none'));
  await expectProblems([]);
  expect(preset()).toBe('none');
  expect(provider()).not.toMatchObject({ fingerprint });
});

describe('what is broken', () => {
  it('keeps the last good version until it is repaired', async () => {
    await write('a.yaml', aProvider('a', 'http://a'));
    await start();
    await write('a.yaml', `${aProvider('a', 'http://b')}oops: [\n`);
    await expectProblems([expect.stringMatching(/^a\.yaml:\d: document: expected YAML, found an error: /)]);
    await write('a.yaml', aProvider('a', 'http://b').replace('cdevents', '5'));
    await expectProblems([
      'a.yaml:4: Provider flux-system/a: spec.type: expected a Provider type such as cdevents (put it in quotes), found the number 5',
    ]);
    expect(addressesIn(source?.snapshot())).toEqual({ a: 'http://a' });
    await write('a.yaml', aProvider('a', 'http://c'));
    await expectAddresses({ a: 'http://c' });
    expect(source?.snapshot()?.problems).toEqual([]);
  });

  it('may be the folder: nothing is dropped while it is away', async () => {
    await write('a.yaml', aProvider('a', 'http://a'));
    await start({ rescanMs: 50 });
    await rename(directory, join(parent, 'aside'));
    await expectProblems(['.: folder: expected a folder that can be read, found ENOENT']);
    expect(addressesIn(source?.snapshot())).toEqual({ a: 'http://a' });
    await rename(join(parent, 'aside'), directory);
    await expectProblems([]);
    await rename(directory, join(parent, 'aside'));
    await expectProblems([expect.stringMatching(/ENOENT/)]);
    await mkdir(join(parent, 'next'));
    await writeFile(join(parent, 'next/a.yaml'), aProvider('a', 'http://b'));
    await rename(join(parent, 'next'), directory);
    await expectAddresses({ a: 'http://b' });
    await write('a.yaml', aProvider('a', 'http://c'));
    await expectAddresses({ a: 'http://c' });
    expect(source?.snapshot()?.problems).toEqual([]);
  });
});

it('finds what the watch does not tell, by looking again', async () => {
  await writeFile(join(parent, 'target.yaml'), aProvider('a', 'http://a'));
  await symlink(join(parent, 'target.yaml'), join(directory, 'a.yaml'));
  await start({ rescanMs: 20 });
  await writeFile(join(parent, 'target.yaml'), aProvider('a', 'http://b'));
  await expectAddresses({ a: 'http://b' });
});

it('says no more after it is closed', async () => {
  await write('a.yaml', aProvider('a', 'http://a'));
  const started = await start({ rescanMs: 20 });
  const listener = vi.fn();
  started.onChange(listener);
  const writing = write('a.yaml', aProvider('a', 'http://b'));
  await started.close();
  await writing;
  expect(listener).not.toHaveBeenCalled();
});

it('answers with labels of the objects in the folder', async () => {
  await write('a.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: apps, labels: {team: a}}\n');
  const { labels } = await start();
  expect(await labels({ kind: 'ConfigMap', namespace: 'apps', name: 'x' })).toEqual({ team: 'a' });
  expect(await labels({ kind: 'ConfigMap', namespace: 'apps', name: 'y' })).toBeUndefined();
});
