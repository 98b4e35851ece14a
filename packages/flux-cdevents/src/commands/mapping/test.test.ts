import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plain, type RunOptions, runCommand } from '../../../test/helpers/command-io.ts';
import { createMappingCommand } from '../mapping.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const EXAMPLES = join(import.meta.dirname, '../../../examples/mappings');
const test = async (argv: readonly string[], options?: RunOptions) => {
  const { code, stdout, stderr } = await runCommand(createMappingCommand, ['test', ...argv], options);
  const short = (text: string) => text.replaceAll(`${FIXTURES}/`, '').replaceAll(`${EXAMPLES}/`, '');
  return { code, stdout: short(stdout), stderr: short(stderr) };
};
const failing = join(FIXTURES, 'failing.cases.yaml');

describe('mapping test', () => {
  it('0 with a line for each case that passes', async () => {
    const { code, stdout, stderr } = await test([join(EXAMPLES, 'production-upgrades.cases.yaml')]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "production-upgrades.cases.yaml: mapping production-upgrades.yaml and preset service
        ✓ an upgrade in production starts the smoke test
        ✓ one in staging does not
        ✓ an install in production does not
        ✓ it still ends an incident
      4 cases passed, 0 failed
      "
    `);
  });

  it('1 with what differs, the rule that matched and those that were tried', async () => {
    const { code, stdout, stderr } = await test([failing]);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "failing.cases.yaml: mapping overlapping.yaml and preset service
        ✓ what is right
        ✗ another version than the message says
            failing.cases.yaml:7: HelmRelease apps/podinfo UpgradeSucceeded
            matched by rule upgrade-succeeded of preset service
            rules tried: rollback-succeeded, install-succeeded, install-succeeded, upgrade-succeeded
            - expected
            + found
              - type: service.upgraded
                subject:
                  id: apps/podinfo
                  content:
            -       artifactId: pkg:helm/podinfo@6.5.2
            +       artifactId: pkg:helm/podinfo@6.5.1
        ✗ an incident that is already open
            failing.cases.yaml:22, step 2: HelmRelease apps/podinfo UpgradeFailed
            matched by rule upgrade-or-rollback-failed of preset service
            rules tried: 11 rules, the last: install-or-uninstall-failed, upgrade-or-rollback-failed
            not sent: incident.detected: incident apps/podinfo/incident/5eec8c1b is already open
            - expected
            + found
              - type: taskrun.finished
            - - type: incident.detected
            -   subject:
            -     id: $second
        ✗ a rule that does not ignore
            failing.cases.yaml:27: HelmRelease apps/podinfo InstallSucceeded
            matched by rule install-succeeded of preset service
            rules tried: rollback-succeeded, install-succeeded, install-succeeded
            expected the event to be skipped as ignored, found an event that was not skipped
            - expected
            + found
            - [] (none)
            + - type: service.deployed
            +   subject:
            +     id: apps/podinfo
      not covered: rollback-succeeded, install-succeeded, drift-detected, drift-corrected (overlapping.yaml)
      1 case passed, 3 failed
      "
    `);
  });

  it('is coloured on a terminal, and says the same', async () => {
    const piped = await test([failing]);
    const { stdout } = await test([failing], { tty: true });
    expect(piped.stdout).not.toContain('\u001b');
    expect(stdout).toContain('\u001b[31m✗');
    expect(plain(stdout)).toBe(piped.stdout);
  });

  it('is one JSON document for a program', async () => {
    const { code, stdout } = await test([failing, '--json']);
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      passed: 1,
      failed: 3,
      files: [{ file: 'failing.cases.yaml', mapping: 'mapping overlapping.yaml and preset service' }],
      notCovered: [{ key: 'overlapping.yaml' }],
    });
    expect(report.files[0].cases[0]).toEqual({
      name: 'what is right',
      line: 3,
      passed: true,
      steps: [
        {
          line: 3,
          passed: true,
          event: { kind: 'HelmRelease', object: 'apps/podinfo', reason: 'UpgradeSucceeded' },
          rule: 'upgrade-succeeded',
          from: 'preset',
          tried: ['rollback-succeeded', 'install-succeeded', 'install-succeeded', 'upgrade-succeeded'],
          withheld: [{ type: 'dev.cdevents.incident.resolved.0.2.0', why: 'no incident is open' }],
        },
      ],
    });
    expect(report.files[0].cases[1].steps[0]).toMatchObject({
      passed: false,
      expected: [{ subject: { content: { artifactId: 'pkg:helm/podinfo@6.5.2' } } }],
      found: [{ subject: { content: { artifactId: 'pkg:helm/podinfo@6.5.1' } } }],
    });
  });

  describe('coverage', () => {
    const notCovered = async (...files: string[]) =>
      JSON.parse((await test([...files, '--json'])).stdout).notCovered as readonly { key: string; rules: string[] }[];

    it('is of the rules of a mapping, and of what it enables of the preset', async () => {
      expect(await notCovered(failing)).toEqual([
        {
          key: 'overlapping.yaml',
          rules: ['rollback-succeeded', 'install-succeeded', 'drift-detected', 'drift-corrected'],
        },
      ]);
    });

    it('is of all files for a mapping together', async () => {
      const more = join(FIXTURES, 'overlapping.cases.yaml');
      expect(await notCovered(failing, more)).toEqual([]);
      expect(await notCovered(more)).toEqual([]);
    });

    it('is required when asked for', async () => {
      const presets = join(FIXTURES, 'preset.cases.yaml');
      expect(await test([presets])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/\nnot covered: install-failed, .*\(preset rfc\)\n1 case passed, 0 failed\n$/),
      });
      expect((await test([presets, '--require-coverage'])).code).toBe(1);
    });
  });

  it('2 when files are wrong, and says all that is wrong at once', async () => {
    const files = ['broken.cases.yaml', 'broken-mapping.cases.yaml'].map((name) => join(FIXTURES, name));
    const { code, stdout, stderr } = await test([failing, ...files]);
    expect([code, stdout]).toEqual([2, '']);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .map((line) => line.split(': expected')[0]),
    ).toEqual([
      'broken.cases.yaml:4:14: cases[0].event.reson',
      'broken.yaml:4:18: rules[0].match',
      'broken.yaml:6:15: rules[0].emit[0].type',
      'broken.yaml:7:11: rules[1].name',
      'broken.yaml:11:9: rules[1].emit[0].contents',
      'broken-mapping.cases.yaml:3: event overlapping.yaml',
    ]);
  });

  it.each([
    [['/nowhere.yaml'], /^flux-cdevents: FCE_OPTION_INVALID: cannot read \/nowhere.yaml: /],
    [[], /^flux-cdevents: FCE_OPTION_INVALID: missing required argument 'files'/],
  ])('2 for %j', async (argv, expected) => {
    expect(await test(argv)).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(expected) });
  });
});
