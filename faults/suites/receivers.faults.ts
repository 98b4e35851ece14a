import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createTempFolder } from '../../e2e/temp-folder.ts';
import { createAuthority } from '../../packages/flux-cdevents/test/helpers/certificates.ts';
import { type Answer, createScene, type StationOptions } from '../scene.ts';

const share = (refused: number, refusal: Answer): Answer => {
  // refusals are spread evenly, so that each share is exact
  return (attempt, request) => {
    const isRefused = Math.floor((attempt + 1) * refused) > Math.floor(attempt * refused);
    if (!isRefused) return 202;
    return typeof refusal === 'function' ? refusal(attempt, request) : refusal;
  };
};

/** How each receiver behaves during the fault. After it, each takes everything. */
const behaviours: Readonly<Record<string, Answer>> = {
  'takes everything': 202,
  'refuses 30 % with 500': share(0.3, 500),
  'refuses 50 % with 503 and Retry-After': share(0.5, { status: 503, retryAfter: '1' }),
  'refuses 90 % with 500': share(0.9, 500),
  'answers 429 with Retry-After': { status: 429, retryAfter: '2' },
  'answers one event with Retry-After 20': (attempt) => (attempt === 5 ? { status: 503, retryAfter: '20' } : 202),
  'answers 100, 102 and 103 first': { status: 202, informational: [100, 102, 103] },
  'answers 100 and then 503': { status: 503, informational: [100] },
  'hangs before the headers': 'hang',
  'hangs in the body': 'hang-in-body',
  'drips its answer': { status: 500, body: 'slowly '.repeat(100), dripMs: 50 },
  'answers 5 MB': { status: 500, body: 'x'.repeat(5_000_000) },
  'answers garbage': { raw: '\u0000\u0001 garbage\r\n\r\n' },
  'closes connections': 'close',
  'resets connections': 'reset',
};

it('receivers in trouble get everything in the end, and delay nobody else', async () => {
  const names = Object.keys(behaviours);
  const stations = Object.fromEntries(
    names.map((name, i): [string, StationOptions] => [
      `p${i}`,
      // a short limit only where no answer comes: a busy machine could exceed it
      { answer: behaviours[name] ?? 202, spec: { timeout: /hangs|drips/.test(name) ? '2s' : '15s' } },
    ]),
  );
  const scene = await createScene({ stations });
  const load = scene.load({ objects: 20, each: 4 });
  await load.done;
  const healthy = scene.station('p0').account;
  await expect.poll(() => healthy.delivered.size, { timeout: 30_000 }).toBe(80);
  // each of the others has been in trouble for a while
  await expect
    .poll(() => names.every((_, i) => scene.station(`p${i}`).account.attempts >= 5), { timeout: 30_000 })
    .toBe(true);
  for (const i of names.keys()) scene.station(`p${i}`).answer(202);
  scene.over();
  await scene.drained();
  for (const [i, name] of names.entries()) {
    const isHanging = /hangs|drips/.test(name);
    scene.judge({ fault: `the receiver ${name}`, ...(isHanging && { duplicates: 'no answer in time' }) }, `p${i}`);
  }
});

it('certificates that are expired, for another host, or of another authority', async () => {
  const authority = await createAuthority();
  const other = await createAuthority('another authority');
  const good = await authority.server();
  const wrong = {
    expired: await authority.server('localhost', { notAfter: new Date(Date.now() - 60_000) }),
    'for another host': await authority.server('elsewhere.example'),
    'of another authority': await other.server(),
  };
  const names = Object.keys(wrong);
  const stations = Object.fromEntries(
    Object.values(wrong).map((tls, i): [string, StationOptions] => [`p${i}`, { tls, ca: authority.ca }]),
  );
  const scene = await createScene({ stations });
  await scene.load({ objects: 10, each: 3 }).done;
  await expect
    .poll(() => names.every((_, i) => scene.station(`p${i}`).receiver.connections > 0), { timeout: 20_000 })
    .toBe(true);
  for (const i of names.keys()) expect(scene.station(`p${i}`).account.attempts).toBe(0);
  scene.over();
  scene.station('p0').receiver.certificate(good);
  scene.station('p1').receiver.certificate(good);
  scene.configure('p2', { ca: other.ca });
  await scene.drained();
  for (const [i, name] of names.entries()) scene.judge({ fault: `a certificate ${name}` }, `p${i}`);
});

it('a token that is rotated at the receiver first', async () => {
  let expected = 'old';
  const scene = await createScene({
    stations: {
      hub: {
        token: 'old',
        answer: (_, { headers }) => (headers.authorization === `Bearer ${expected}` ? 202 : 401),
      },
    },
  });
  await scene.load({ objects: 10, each: 3 }).done;
  await scene.drained();
  expected = 'new';
  await scene.load({ objects: 10, each: 3, first: 4 }).done;
  await expect.poll(() => scene.station('hub').account.attempts, { timeout: 20_000 }).toBeGreaterThan(30);
  scene.over();
  scene.configure('hub', { token: 'new' });
  await scene.drained();
  scene.judge({ fault: 'a token rotated at the receiver first' });
});

it('a receiver that is away and comes back', async () => {
  const scene = await createScene();
  await scene.station('hub').receiver.close();
  await scene.load({ objects: 40, each: 10 }).done;
  await scene.controller.logged(/Provider does not deliver/);
  await scene.reopen('hub');
  scene.over();
  await scene.drained();
  scene.judge({ fault: 'no receiver listens' });
});

it('a name that cannot be looked up for a while', async ({ skip }) => {
  skip(spawnSync('unshare', ['--mount', 'true']).status !== 0, 'this user may not have mounts of its own');
  // the controller has a hosts file of its own
  const hosts = join(createTempFolder('hosts').path, 'hosts');
  const withHosts = 'mount --bind "$0" /etc/hosts && exec "$@"';
  const name = 'receiver.flux-cdevents.test';
  writeFileSync(hosts, '127.0.0.1 localhost\n');
  const scene = await createScene({
    command: ['unshare', '--mount', 'sh', '-c', withHosts, hosts, process.execPath],
    stations: { hub: { host: name } },
  });
  await scene.load({ objects: 20, each: 5 }).done;
  await scene.controller.logged(/Provider does not deliver/);
  writeFileSync(hosts, `127.0.0.1 localhost ${name}\n`);
  await scene.drained();
  writeFileSync(hosts, '127.0.0.1 localhost\n');
  scene.station('hub').receiver.disconnect(); // the next connection looks the name up again
  await scene.load({ objects: 20, each: 5, first: 6 }).done;
  scene.over();
  writeFileSync(hosts, `127.0.0.1 localhost ${name}\n`);
  await scene.drained();
  scene.judge({ fault: 'a name that cannot be looked up', times: 2 });
});
