import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'cdevents-sdk';
import { describe, expect, it } from 'vitest';
import { plain, type RunOptions, runCommand } from '../../test/helpers/command-io.ts';
import { createConvertCommand } from './convert.ts';

/** A rollout as real controllers reported it. */
const ROLLOUT = join(import.meta.dirname, '../../demo/rollout.jsonl');
const convert = (argv: readonly string[], options?: RunOptions) => runCommand(createConvertCommand, argv, options);
const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const lines = readFileSync(ROLLOUT, 'utf8').split('\n');
const [, , install = ''] = lines;
/** An upgrade that fails, its rollback, and a test that fails. */
const incident = lines.slice(7, 10).join('\n');
const FIXTURES = join(import.meta.dirname, 'mapping/fixtures');

describe('convert', () => {
  it('prints a CDEvent a line, and says what gave none and why', async () => {
    const { code, stdout, stderr } = await convert([ROLLOUT]);
    expect(code).toBe(0);
    const seen = jsonLines(stdout).map((line) => {
      const { context, subject } = parse(line);
      return `${context.type} ${subject.id} ${subject.content.outcome ?? ''}`.trimEnd();
    });
    expect(seen).toMatchInlineSnapshot(`
      [
        "dev.cdevents.environment.modified.0.2.0 staging",
        "dev.cdevents.environment.modified.0.2.0 apps",
        "dev.cdevents.environment.modified.0.2.0 apps",
        "dev.cdevents.taskrun.finished.0.2.0 apps/podinfo/helm-upgrade/v2 success",
        "dev.cdevents.testcaserun.finished.0.2.0 apps/podinfo/helm-test/v2 pass",
        "dev.cdevents.taskrun.finished.0.2.0 apps/podinfo/helm-upgrade/6.6.0 failure",
        "dev.cdevents.taskrun.finished.0.2.0 apps/podinfo/helm-rollback/v2 success",
        "dev.cdevents.testcaserun.finished.0.2.0 apps/podinfo/helm-test/v6 fail",
        "dev.cdevents.taskrun.finished.0.2.0 apps/podinfo/helm-rollback/v4 success",
        "dev.cdevents.environment.modified.0.2.0 apps",
        "dev.cdevents.environment.modified.0.2.0 staging",
        "dev.cdevents.incident.detected.0.2.0 flux-system/infra/incident/b9784acf",
      ]
    `);
    expect(stderr.replaceAll(ROLLOUT, 'rollout.jsonl')).toMatchInlineSnapshot(`
      "rollout.jsonl:1: HelmChart flux-system/apps-podinfo ChartPullSucceeded: skipped, unmapped: no rule of preset rfc matches it
      rollout.jsonl:5: Kustomization flux-system/apps ReconciliationSucceeded: skipped, unchanged: this revision was announced before and nothing changed since
      14 Flux events: 12 CDEvents, 2 skipped (1 unmapped, 1 unchanged), 0 invalid
      "
    `);
  });

  it('reads standard input and gives the same', async () => {
    const fromFile = await convert([ROLLOUT]);
    const stdin = readFileSync(ROLLOUT, 'utf8');
    expect((await convert([], { stdin })).stdout).toBe(fromFile.stdout);
    expect((await convert(['-'], { stdin })).stdout).toBe(fromFile.stdout);
  });

  it('lets the events of a rollout share a chain', async () => {
    const { stdout } = await convert([ROLLOUT]);
    const chainOf = (reason: string) =>
      jsonLines(stdout).find(({ customData }) => customData.flux.reason === reason).context.chainId;
    expect(chainOf('TestSucceeded')).toBe(chainOf('UpgradeSucceeded'));
    expect(chainOf('UpgradeFailed')).not.toBe(chainOf('UpgradeSucceeded'));
  });

  it('is readable on a terminal', async () => {
    const { stdout } = await convert([], { stdin: install, tty: true });
    const [head, ...document] = plain(stdout).split('\n');
    expect(head).toBe('# HelmRelease apps/podinfo InstallSucceeded → dev.cdevents.environment.modified.0.2.0');
    expect(document.length).toBeGreaterThan(20);
    expect(parse(document.join('\n')).subject.id).toBe('apps');
  });

  it.each([
    [['--spec-version', '0.5'], { context: { specversion: '0.5.1' } }],
    [['--cluster', 'eu-1'], { context: { source: '/eu-1/flux/helm-controller' }, subject: { id: 'eu-1/apps' } }],
    [['--source', 'https://flux.example/{namespace}'], { context: { source: 'https://flux.example/apps' } }],
    [
      ['--preset', 'none', '--unmapped', 'custom'],
      { context: { type: 'dev.cdeventsx.flux-HelmRelease.InstallSucceeded.0.1.0' } },
    ],
  ])('%j', async (argv, expected) => {
    const { stdout } = await convert(argv, { stdin: install });
    expect(jsonLines(stdout)).toMatchObject([expected]);
  });

  it('sends unchanged ones on request', async () => {
    const count = async (...argv: string[]) => jsonLines((await convert([ROLLOUT, ...argv])).stdout).length;
    expect(await count('--unchanged', 'send')).toBe((await count()) + 1);
  });

  it.each([
    ['binary', { 'content-type': 'application/json', 'ce-type': 'dev.cdevents.environment.modified.0.2.0' }],
    ['structured', { 'content-type': 'application/cloudevents+json' }],
    ['batched', { 'content-type': 'application/cloudevents-batch+json' }],
  ])('prints the request in mode %s', async (mode, headers) => {
    const { stdout } = await convert(['--content-mode', mode], { stdin: install });
    const [request, ...more] = jsonLines(stdout);
    expect(more).toEqual([]);
    expect(request.headers).toMatchObject(headers);
    const uid = 'ef3b02e5-399b-4838-a900-41087c4441bb';
    if (mode === 'binary') expect(request.headers['ce-partitionkey']).toBe(uid);
    else
      expect([request.body].flat()[0]).toMatchObject({ specversion: '1.0', partitionkey: uid, data: { subject: {} } });
  });

  it('explains itself', async () => {
    const { stderr } = await convert(['--explain'], { stdin: install });
    expect(stderr).toMatchInlineSnapshot(`
      "stdin: HelmRelease apps/podinfo InstallSucceeded
        rules tried  install-succeeded
        matched      install-succeeded of preset rfc
        → dev.cdevents.environment.modified.0.2.0
            subject.id    environment.id                  = "apps"
            content.name  environment.id                  = "apps"
            content.url   event.metadata.?environmentUrl  (left out)
      1 Flux event: 1 CDEvent, 0 skipped, 0 invalid
      "
    `);
    const { stdout } = await convert(['--explain', '--json'], { stdin: install });
    expect(jsonLines(stdout)).toMatchObject([
      {
        rule: 'install-succeeded',
        tried: ['install-succeeded'],
        cdevents: [{ fields: [{ path: 'subject.id' }, {}, {}] }],
        mapping: 'preset rfc',
        remembered: [],
      },
    ]);
  });

  it('explains the story of an incident within 100 columns', async () => {
    const { stderr } = await convert(['--explain', '--preset', 'service'], { stdin: incident });
    expect(stderr).toMatchInlineSnapshot(`
      "stdin:1: HelmRelease apps/podinfo UpgradeFailed
        rules tried  9 rules, the last: install-or-uninstall-failed, upgrade-or-rollback-failed
        matched      upgrade-or-rollback-failed of preset service
        → dev.cdevents.taskrun.finished.0.2.0
            subject.id        taskRun.id           = "apps/podinfo/helm-upgrade/6.6.0"
            content.taskName  taskRun.name         = "helm-upgrade"
            content.outcome   outcome              = "failure"
            content.errors    event.severity == 'error' ? event.message : null
                              = "Helm upgrade failed for release apps/podinfo with chart podinfo@6.6.0: f…
            content.url       event.metadata.?url  (left out)
        → dev.cdevents.incident.detected.0.2.0
            subject.id           incident.id    = "apps/podinfo/incident/28114030"
            content.description  event.message  = "Helm upgrade failed for release apps/podinfo with char…
            content.environment  environment    = {"id":"apps","source":"/flux/helm-controller"}
            content.service      service        = {"id":"apps/podinfo","source":"/flux/helm-controller"}
            content.artifactId   artifactId     = "pkg:helm/podinfo@6.6.0"
        remembered   incident apps/podinfo/incident/28114030 is open (failure)
      stdin:2: HelmRelease apps/podinfo RollbackSucceeded
        rules tried  install-succeeded, upgrade-succeeded, rollback-succeeded
        matched      rollback-succeeded of preset service
        → dev.cdevents.service.rolledback.0.2.0
            subject.id           service.id   = "apps/podinfo"
            content.environment  environment  = {"id":"apps","source":"/flux/helm-controller"}
            content.artifactId   artifactId   = "pkg:helm/podinfo@6.5.1"
      stdin:3: HelmRelease apps/podinfo TestFailed
        rules tried  7 rules, the last: uninstall-succeeded, test-succeeded, test-failed
        matched      test-failed of preset service
        → dev.cdevents.testsuiterun.finished.0.2.0
            subject.id              taskRun.id                 = "apps/podinfo/helm-test/v6"
            content.outcome         outcome                    = "fail"
            content.environment     environment                = {"id":"apps","source":"/flux/helm-contro…
            content.testSuite.id    service.id + '/helm-test'  = "apps/podinfo/helm-test"
            content.testSuite.name  taskRun.name               = "helm-test"
            content.reason          event.severity == 'error' ? event.message : null
                                    = "Helm test failed for release apps/podinfo.v6 with chart podinfo@6.…
        – dev.cdevents.incident.detected.0.2.0
            not sent: incident apps/podinfo/incident/28114030 is already open
      3 Flux events: 4 CDEvents, 0 skipped, 0 invalid
      "
    `);
    expect(stderr.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });

  describe('by a mapping', () => {
    it('takes its rules first, and what it says of itself', async () => {
      const { code, stdout, stderr } = await convert(['--mapping', join(FIXTURES, 'overlapping.yaml')], {
        stdin: incident,
      });
      expect([code, jsonLines(stdout).map(({ context }) => context.type)]).toEqual([
        0,
        [
          'dev.cdevents.taskrun.finished.0.2.0',
          'dev.cdevents.incident.detected.0.2.0',
          'dev.cdevents.taskrun.finished.0.2.0',
          'dev.cdevents.testsuiterun.finished.0.2.0',
        ],
      ]);
      expect(stderr).toBe('3 Flux events: 4 CDEvents, 0 skipped, 0 invalid\n');
    });

    it('names it in the reason for a skipped event, and as the origin of the rule that matched', async () => {
      const mapping = join(FIXTURES, 'overlapping.yaml');
      const stdin = [install.replace('podinfo', 'frontend'), install.replace('InstallSucceeded', 'Nothing')].join('\n');
      const skipped = await convert(['--mapping', mapping], { stdin });
      expect(skipped.stderr.split('\n').slice(0, 2)).toEqual([
        'stdin:1: HelmRelease apps/frontend InstallSucceeded: skipped, ignored by rule install-succeeded',
        'stdin:2: HelmRelease apps/podinfo Nothing: skipped, unmapped: no rule of mapping overlapping.yaml and preset service matches it',
      ]);
      const explained = await convert(['--explain', '--mapping', mapping], { stdin });
      expect(explained.stderr).toContain('matched      install-succeeded of mapping overlapping.yaml\n');
      expect(explained.stderr).toContain('rules tried  17 rules, the last: ');
    });

    it('lets a flag win', async () => {
      const argv = ['--mapping', join(FIXTURES, 'overlapping.yaml'), '--preset', 'rfc', '--spec-version', '0.5'];
      const { code, stderr } = await convert(argv, { stdin: install });
      expect([code, stderr]).toEqual([1, expect.stringMatching(/:3:10: enable\[0\]: expected an optional of /)]);
    });

    it('1 when it is wrong, with all that is wrong and where', async () => {
      const file = join(FIXTURES, 'broken.yaml');
      const { code, stdout, stderr } = await convert(['--mapping', file], { stdin: install });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr.split('\n').map((line) => line.replace(file, 'mapping.yaml').split(': ')[0])).toEqual([
        'mapping.yaml:4:18',
        'mapping.yaml:6:15',
        'mapping.yaml:7:11',
        'mapping.yaml:11:9',
        '',
      ]);
    });

    it('names the rules that were tried when one of them fails', async () => {
      const { code, stderr } = await convert(['--explain', '--mapping', join(FIXTURES, 'failing.yaml')], {
        stdin: install,
      });
      expect(code).toBe(1);
      expect(stderr).toMatchInlineSnapshot(`
        "stdin: HelmRelease apps/podinfo InstallSucceeded
          rules tried  ignores, fails
          ✗ no CDEvent
              invalid: rule fails: match: No such key: tier
        1 Flux event: 0 CDEvents, 0 skipped, 1 invalid
        "
      `);
    });

    it('2 when it cannot be read', async () => {
      const { code, stderr } = await convert(['--mapping', '/nowhere.yaml'], { stdin: install });
      expect([code, stderr]).toEqual([2, expect.stringMatching(/^flux-cdevents: FCE_OPTION_INVALID: cannot read /)]);
    });
  });

  it('1 when an event is invalid, with what is good all the same', async () => {
    const { code, stdout, stderr } = await convert([], { stdin: `${install}\n{"reason":"X"}\n` });
    expect(code).toBe(1);
    expect(jsonLines(stdout)).toHaveLength(1);
    expect(stderr).toContain('stdin:2: invalid: ');
  });

  it('2 for a file that cannot be read', async () => {
    const { code, stderr } = await convert(['/nowhere/events.json']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^flux-cdevents: FCE_OPTION_INVALID: cannot read \/nowhere\/events.json: /);
  });
});
