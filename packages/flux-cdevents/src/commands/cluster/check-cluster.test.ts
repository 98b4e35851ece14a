import { describe, expect, it } from 'vitest';
import { plain, runCommand } from '../../../test/helpers/command-io.ts';
import { createCommand } from '../command.ts';
import type { Io } from '../io.ts';
import { checkCluster } from './check-cluster.ts';
import { bad, good } from './finding.ts';
import { printFindings } from './print-findings.ts';
import { toReport } from './report-cluster.ts';

const findings = [
  good('Alerts', 'Alert apps/all: selects HelmRelease apps/*'),
  good('API server', 'Kubernetes v1.36.3'),
  bad('error', 'Alerts', {
    code: 'invalid-value',
    object: { kind: 'Alert', namespace: 'apps', name: 'b' },
    path: ['spec'],
    expected: 'this',
    found: 'that',
    fix: 'edit it',
  }),
];
const printing = (io: Io) => createCommand('print', io).action(() => printFindings(io, findings));

describe('printFindings', () => {
  it('prints a line with a mark for every answer, and how to fix what is wrong', async () => {
    const { stdout, stderr } = await runCommand(printing, []);
    expect(stdout.trimEnd().split('\n')).toEqual([
      '► asking the API server',
      '✔ Kubernetes v1.36.3',
      '► checking Alerts',
      '✔ Alert apps/all: selects HelmRelease apps/*',
      '✗ Alert apps/b: spec: expected this, found that',
      '  to fix: edit it',
    ]);
    expect(stderr).toBe('3 checks: 1 error, 0 warnings\n');
  });

  it('colours marks on a terminal only', async () => {
    const { stdout } = await runCommand(printing, [], { tty: true });
    expect(plain(stdout)).toBe((await runCommand(printing, [])).stdout);
  });
});

describe('toReport', () => {
  it('leaves what is fine as it is', () => {
    expect(toReport(good('API server', 'Kubernetes v1.36.3'))).toEqual(good('API server', 'Kubernetes v1.36.3'));
  });

  it('has the names and the path of an issue as text', () => {
    const object = { kind: 'Secret', namespace: 'apps', name: 'token' };
    const affects = { kind: 'Provider', namespace: 'apps', name: 'hub' };
    const path = ['data', 'tls.key'];
    const issue = { code: 'missing', object, affects, path, expected: 'a key', found: 'nothing' } as const;
    const report = toReport(bad('warning', 'Providers', { ...issue, fix: 'add it' }));
    expect(JSON.stringify(report)).toBe(
      JSON.stringify({
        area: 'Providers',
        result: 'warning',
        object: 'Provider apps/hub',
        issue: { code: 'missing', path: 'Secret token: data[tls.key]', expected: 'a key', found: 'nothing' },
        fix: 'add it',
      }),
    );
  });
});

describe('checkCluster', () => {
  const options = {
    namespace: 'flux-system',
    account: { namespace: 'flux-system', name: 'flux-cdevents' },
    probe: true,
    inCluster: false,
  };
  const check = (request: Parameters<typeof checkCluster>[0]['request']) =>
    checkCluster({ server: 'https://cluster.example', request }, options);

  it('asks nothing more of an API server that does not answer', async () => {
    const findings = await check(async () => {
      throw new Error('connect ECONNREFUSED');
    });
    expect(findings).toMatchObject([
      {
        area: 'API server',
        issue: {
          code: 'unreachable',
          object: { kind: 'API server', name: 'https://cluster.example' },
          path: ['/version'],
          found: 'connect ECONNREFUSED',
        },
      },
    ]);
  });

  it('tells of a cluster that has nothing', async () => {
    const findings = await check(async ({ path }) =>
      path === '/version' ? { status: 200, body: { gitVersion: 'v1.36.3' } } : { status: 404, body: {} },
    );
    expect(findings.filter(({ result }) => result === 'error').map(({ area }) => area)).toEqual([
      'definitions',
      'definitions',
    ]);
  });
});
