import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestApi, type TestApi } from '../../test/helpers/api.ts';
import { plain, type RunOptions, runCommand } from '../../test/helpers/command-io.ts';
import { aFluxEvent } from '../../test/helpers/flux-events.ts';
import { aCommit, anEntry } from '../outbox/contract/fixtures.ts';
import { createDeliveriesCommand } from './deliveries.ts';
import { createSendCommand } from './send.ts';

let api: TestApi;
let server: string;

const listen = async (options: Parameters<typeof startTestApi>[0] = {}) => {
  api = await startTestApi(options);
  server = await api.server.listen({ host: '127.0.0.1', port: 0 });
};
beforeEach(() => listen());
afterEach(() => api.close());

const deliveries = (argv: readonly string[], options?: RunOptions) =>
  runCommand(createDeliveriesCommand, [...argv, '--server', server], options);
const send = (argv: readonly string[], options?: RunOptions) =>
  runCommand(createSendCommand, ['--provider', 'flux-system/hub', '--server', server, ...argv], options);
const sent = async (name: string): Promise<string> => {
  const stdin = JSON.stringify(aFluxEvent({ involvedObject: { name } }));
  const { stdout } = await send(['--file', '-', '--json'], { stdin });
  return JSON.parse(stdout).id;
};
const settle = async (outcome: 'delivered' | 'dead-letter') => {
  const entries = await api.claim();
  await api.outbox.settle(
    entries.map(({ id, leaseId }) => ({ id, leaseId, outcome, error: 'HTTP 404: no such path' })),
  );
};

describe('deliveries list', () => {
  it('is tab separated when piped', async () => {
    const id = await sent('podinfo');
    await settle('dead-letter');
    const { code, stdout } = await deliveries(['list']);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\t')).toEqual([
      id,
      'dead-letter',
      'flux-system/hub',
      'dev.cdevents.taskrun.finished.0.2.0',
      'HelmRelease/apps/podinfo',
      'UpgradeSucceeded',
      '1',
      '2026-11-24T12:00:00.000Z',
      '',
      'HTTP 404: no such path',
    ]);
  });

  it('is a table on a terminal', async () => {
    const id = await sent('podinfo');
    await settle('dead-letter');
    const { stdout } = await deliveries(['list'], { tty: true, now: api.now + 60_000 });
    const [head = '', row = ''] = plain(stdout).split('\n');
    expect(head.trim().split(/ {2,}/)).toEqual([
      'ID',
      'AGE',
      'STATE',
      'PROVIDER',
      'TYPE',
      'OBJECT',
      'REASON',
      'ATTEMPTS',
      'NEXT / LAST ERROR',
    ]);
    expect(row.trim().split(/ {2,}/).slice(0, 5)).toEqual([
      id.slice(0, 8),
      '60s',
      'dead-letter',
      'flux-system/hub',
      'taskrun.finished',
    ]);
  });

  it('filters, limits, and says when there is more or nothing', async () => {
    const ids = [await sent('a'), await sent('b'), await sent('c')].reverse();
    const listed = async (...argv: string[]) => {
      const { stdout, stderr } = await deliveries(['list', '--json', ...argv]);
      const lines = stdout.split('\n').filter(Boolean);
      return { ids: lines.map((line) => JSON.parse(line).id), stderr };
    };
    expect(await listed('--limit', '2')).toEqual({ ids: ids.slice(0, 2), stderr: expect.stringContaining('older') });
    expect(await listed('--limit', '0')).toEqual({ ids, stderr: '' });
    expect(await listed('--state', 'pending,dead-letter', '--since', '2h')).toEqual({ ids, stderr: '' });
    expect(await listed('--state', 'delivered')).toEqual({ ids: [], stderr: 'no deliveries match\n' });
    expect((await deliveries(['list', '--state', 'lost'])).code).toBe(2);
    expect((await deliveries(['list', '--provider', 'hub'])).code).toBe(2);
  });
});

describe('deliveries show', () => {
  it('shows the CDEvent and the Flux event', async () => {
    const id = await sent('podinfo');
    const { stdout } = await deliveries(['show', id.slice(0, 8)]);
    expect(stdout).toMatch(/^id +[0-9a-f-]{36}\.[0-9a-f]{8}\nstate +pending\n/);
    expect(stdout).toContain('\nCDEvent\n{\n');
    expect(stdout.slice(stdout.indexOf('\nHow it'), stdout.indexOf('\nCDEvent'))).toMatchInlineSnapshot(`
      "
      How it was made
        rules tried  install-succeeded, install-failed, upgrade-succeeded
        matched      upgrade-succeeded of preset rfc
            subject.id        taskRun.id           = "apps/podinfo/helm-upgrade/v2"
            content.taskName  taskRun.name         = "helm-upgrade"
            content.outcome   outcome              = "success"
            content.errors    event.severity == 'error' ? event.message : null
                              (left out)
            content.url       event.metadata.?url  (left out)
      "
    `);
    expect(stdout).toContain('\nFlux event\n{\n');
    const json = await deliveries(['show', id, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ id, cdevent: {}, fluxEvent: {} });
  });

  it.each([
    ['an older version stored', undefined, ''],
    [
      'a rule that failed left behind',
      { mapping: 'mapping rules', tried: ['mine'], fields: { 'subject.id': 'service.id' } },
      '\nHow it was made\n  rules tried  mine\n  matched      none\n      subject.id  service.id\n',
    ],
    [
      'no rule mapped',
      { mapping: 'preset rfc', rule: 'unmapped', tried: ['x', 'y'], triedCount: 99, fields: {} },
      '\nHow it was made\n  rules tried  99 rules, the last: x, y\n  matched      none of preset rfc\n',
    ],
  ])('shows what %s', async (_, explanation, expected) => {
    const source = JSON.stringify({ event: aFluxEvent(), metadata: {}, chainId: 'chain', explanation });
    const { message: __, ...entry } = anEntry('old', { source, deadLetter: 'rule mine: match: no such key' });
    await api.outbox.commit(aCommit([entry]));
    const { code, stdout } = await deliveries(['show', 'old']);
    expect(code).toBe(0);
    expect(stdout).toContain(`${expected}\nFlux event\n`);
    expect(stdout.includes('How it was made')).toBe(expected !== '');
  });

  it('1 when there is none', async () => {
    const { code, stderr } = await deliveries(['show', '0badcafe']);
    expect([code, stderr]).toEqual([1, 'flux-cdevents: FCE_NOT_FOUND: no delivery has the id 0badcafe\n']);
  });
});

describe('deliveries replay and discard', () => {
  const states = async () => {
    const { entries } = await api.outbox.list({}, { limit: 100 });
    return entries.map(({ state }) => state);
  };

  it('replays by id and discards by Provider', async () => {
    const id = await sent('a');
    await sent('b');
    await settle('dead-letter');
    expect((await deliveries(['replay', id.slice(0, 12)])).stdout).toBe('1 delivery to be sent again\n');
    expect((await deliveries(['discard', '--provider', 'flux-system/hub', '--yes', '--json'])).stdout).toBe(
      '{"count":1}\n',
    );
  });

  it.each(['replay', 'discard'])('%s refuses to select nothing, without a request to the controller', async (what) => {
    const { code, stderr } = await deliveries([what]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/FCE_OPTION_INVALID: give ids, .*--all/)]);
    expect((await deliveries([what, '--yes'])).code).toBe(2);
    expect((await deliveries([what, '--all', '--yes'])).code).toBe(0);
  });

  it.each([
    ['replay', ['--all']],
    ['replay', ['--provider', 'flux-system/hub']],
    ['replay', ['--type', 'taskrun.finished']],
    ['replay', ['--since', '2h']],
    ['discard', ['--all']],
    ['discard', ['--provider', 'flux-system/hub', '--json']],
    ['discard', ['--since', '2h']],
  ])('%s %j needs --yes where nobody can be asked', async (what, argv) => {
    await sent('a');
    await settle('dead-letter');
    const { code, stdout, stderr } = await deliveries([what, ...argv]);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `flux-cdevents: FCE_OPTION_INVALID: --yes: expected, to ${what} where nobody can be asked; nothing was changed\n`,
    });
    expect(await states()).toEqual(['dead-letter']);
    expect((await deliveries([what, ...argv, '--yes'])).code).toBe(0);
    expect(await states()).toEqual(what === 'replay' ? ['pending'] : []);
  });

  it('discards what is named in full, and nothing else, without a question', async () => {
    const id = await sent('a');
    await sent('b');
    await settle('dead-letter');
    expect((await deliveries(['discard', id.slice(0, 36)])).code).toBe(2);
    expect((await deliveries(['discard', id, '--since', '2h'])).code).toBe(2);
    expect((await deliveries(['discard', id])).stdout).toBe('1 dead letter discarded\n');
    expect(await states()).toEqual(['dead-letter']);
  });

  it('does not replay several entries for one id without a question', async () => {
    await api.outbox.commit(aCommit([anEntry('same-1'), anEntry('same-2', { orderingKey: 'other' })]));
    await settle('dead-letter');
    const { code, stderr } = await deliveries(['replay', 'same']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--yes: expected, to replay 2 entries where')]);
    expect(await states()).toEqual(['dead-letter', 'dead-letter']);
    expect((await deliveries(['replay', 'same-1', 'same-2'])).stdout).toBe('2 deliveries to be sent again\n');
  });

  describe.each(['replay', 'discard'])('%s on a terminal', (what) => {
    const asked = async (stdin: string, argv: readonly string[] = ['--all']) => {
      const { code, stderr } = await deliveries([what, ...argv], { tty: true, stdin });
      return { code, stderr: plain(stderr) };
    };
    beforeEach(async () => {
      await sent('a');
      await sent('b');
      await settle('dead-letter');
    });

    it.each(['y\n', 'Yes\n'])('goes on after %j', async (answer) => {
      const { code, stderr } = await asked(answer);
      expect(code).toBe(0);
      expect(stderr).toContain(`  flux-system/hub  2\n`);
      expect(stderr).toContain(`${what} 2 entries? [y/N] `);
      expect(await states()).toEqual(what === 'replay' ? ['pending', 'pending'] : []);
    });

    it.each(['\n', 'n\n', 'yellow\n', ''])('changes nothing after %j', async (answer) => {
      const { code, stderr } = await asked(answer);
      expect([code, stderr]).toEqual([1, expect.stringContaining('nothing was changed\n')]);
      expect(await states()).toEqual(['dead-letter', 'dead-letter']);
    });

    it('asks nothing when told so, nor when there is nothing', async () => {
      expect(await asked('', ['--provider', 'flux-system/other'])).toEqual({ code: 0, stderr: '' });
      expect(await asked('', ['--all', '--yes'])).toEqual({ code: 0, stderr: '' });
    });
  });

  it('take nothing from the environment but how to reach the controller', async () => {
    await sent('a');
    await settle('dead-letter');
    for (const name of ['PROVIDER', 'TYPE', 'SINCE', 'ALL', 'YES', 'JSON', 'STATE', 'LIMIT', 'REMAP']) {
      vi.stubEnv(`FLUX_CDEVENTS_${name}`, name === 'PROVIDER' ? 'flux-system/hub' : 'true');
    }
    for (const what of ['replay', 'discard']) {
      const { code, stderr } = await deliveries([what]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('give ids')]);
    }
    vi.stubEnv('FLUX_CDEVENTS_SERVER', server);
    const { stdout } = await runCommand(createDeliveriesCommand, ['list']);
    expect(stdout.split('\t')[1]).toBe('dead-letter');
    vi.unstubAllEnvs();
  });
});

describe('send', () => {
  it('prints what was stored', async () => {
    const { code, stdout } = await send(['--reason', 'UpgradeFailed']);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^dev\.cdevents\.taskrun\.finished\S+ {2}\S+ {2}stored\n$/),
    ]);
  });

  it('waits until it is delivered', async () => {
    const waiting = send(['--wait']);
    await expect.poll(async () => (await api.outbox.stats())[0]?.counts.pending).toBe(1);
    await settle('delivered');
    expect(await waiting).toMatchObject({ code: 0, stdout: expect.stringContaining('delivered after 1 attempt') });
  });

  it('1 when it became a dead letter, or when nothing comes of it', async () => {
    const waiting = send(['--wait']);
    await expect.poll(async () => (await api.outbox.stats())[0]?.counts.pending).toBe(1);
    await settle('dead-letter');
    expect(await waiting).toMatchObject({ code: 1, stdout: expect.stringContaining('HTTP 404') });
    expect(await send(['--reason', 'DriftDetected'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('unmapped'),
    });
  });

  it('1 with the reason when the Provider cannot take it', async () => {
    const { code, stderr } = await send(['--provider', 'flux-system/wrong']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^flux-cdevents: FCE_CONFIG_INVALID: Provider flux-system\/wrong: spec\.address/);
  });
});

describe('a controller', () => {
  it('that is not there', async () => {
    await api.server.close();
    const { code, stderr } = await deliveries(['list']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^flux-cdevents: FCE_API_UNREACHABLE: no controller answers at http:\S+ \(ECONNREFUSED\): start one/,
    );
  });

  it('that is something else', async () => {
    const other = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { code, stderr } = await runCommand(createDeliveriesCommand, ['list', '--server', url]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not the API of flux-cdevents')]);
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  });

  it('that wants a token', async () => {
    await api.close();
    await listen({ token: () => 's3cret' });
    const refused = await deliveries(['list']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('give it with --token-file')]);
    const file = join(tmpdir(), `flux-cdevents-token-${process.pid}`);
    await writeFile(file, 's3cret\n');
    expect((await deliveries(['list', '--token-file', file])).code).toBe(0);
    expect((await deliveries(['list', '--token-file', `${file}.none`])).code).toBe(2);
    await rm(file);
  });
});
