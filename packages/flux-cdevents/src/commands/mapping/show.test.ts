import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specVersions } from 'cdevents-sdk';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCommand } from '../../../test/helpers/command-io.ts';
import { aFluxEvent, aKustomizationEvent } from '../../../test/helpers/flux-events.ts';
import { mapStory } from '../../../test/helpers/map-story.ts';
import type { FluxEvent } from '../../flux/event.ts';
import { readMapping } from '../../mapping/file/read-mapping.ts';
import { presetNames } from '../../mapping/presets/presets.ts';
import { createMappingCommand } from '../mapping.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const EVENTS: readonly FluxEvent[] = [
  aFluxEvent({ reason: 'InstallSucceeded' }),
  aFluxEvent({ reason: 'UpgradeFailed', severity: 'error' }),
  aFluxEvent({ reason: 'RollbackSucceeded' }),
  aFluxEvent({ reason: 'UpgradeSucceeded' }),
  aFluxEvent({ reason: 'DriftDetected', severity: 'error', timestamp: '2026-11-24T08:00:00Z' }),
  aKustomizationEvent({ reason: 'ArtifactFailed' }),
];

interface Rule {
  readonly name: string;
  readonly optional?: string;
}

const show = async (...argv: string[]) => {
  const { code, stdout } = await runCommand(createMappingCommand, ['show', ...argv]);
  expect(code).toBe(0);
  return stdout;
};

describe('mapping show', () => {
  it('spells out the defaults of an event type', async () => {
    const mapping = parse(await show());
    expect(mapping.rules.map(({ name }: { name: string }) => name)).toEqual([
      'install-succeeded',
      'install-failed',
      'upgrade-succeeded',
      'upgrade-failed',
      'test-succeeded',
      'test-failed',
      'rollback-succeeded',
      'rollback-failed',
      'uninstall-succeeded',
      'uninstall-failed',
      'reconciliation-succeeded',
      'deletion-failed',
      'reconciliation-failed',
      'kustomization-failed',
    ]);
    expect(mapping.rules[3]).toEqual({
      name: 'upgrade-failed',
      match: "event.involvedObject.kind == 'HelmRelease' && event.reason == 'UpgradeFailed'",
      emit: [
        {
          type: 'taskrun.finished',
          subject: { id: 'taskRun.id' },
          content: {
            taskName: 'taskRun.name',
            outcome: 'outcome',
            errors: "event.severity == 'error' ? event.message : null",
            url: 'event.metadata.?url',
          },
        },
      ],
    });
  });

  it.each(presetNames.flatMap((preset) => specVersions.map((version) => [preset, version] as const)))(
    'prints rules of %s for %s that are right as they stand',
    async (preset, version) => {
      const text = await show('--preset', preset, '--spec-version', version);
      expect(text).not.toMatch(/[&*]a\d/);
      expect(readMapping(text)).toMatchObject({ issues: [], header: { specVersion: version, preset: 'none' } });
      expect(parse(await show('--preset', preset, '--spec-version', version, '--json'))).toEqual(parse(text));
    },
  );

  it('prints a mapping and its preset as one that gives the same CDEvents', async () => {
    const file = join(FIXTURES, 'overlapping.yaml');
    const printed = await show('--mapping', file);
    expect(readMapping(printed).issues).toEqual([]);
    const ids = (text: string, preset: 'service' | 'none') =>
      mapStory(EVENTS, { preset, mapping: { name: 'rules', text } }).map(({ cdevents }) =>
        cdevents.map((mapped) => ('cdevent' in mapped ? mapped.cdevent : mapped.error)),
      );
    const asWritten = ids(readFileSync(file, 'utf8'), 'service');
    expect(asWritten.map((made) => made.length)).toEqual([1, 2, 1, 2, 1, 1]);
    expect(ids(printed, 'none')).toEqual(asWritten);
  });

  it('keeps what is optional optional, and names apart', async () => {
    const printed = await show('--mapping', join(FIXTURES, 'overlapping.yaml'));
    const { enable, rules } = parse(printed);
    expect(enable).toEqual(['drift']);
    const names = rules.map(({ name, optional }: Rule) => (optional ? `${name} (${optional})` : name));
    expect(names.slice(0, 3)).toEqual(['rollback-succeeded', 'install-succeeded', 'canary (canaries)']);
    expect(names).toContain('service-install-succeeded');
    expect(names).toContain('drift-detected (drift)');
    expect(names).not.toContain('service-rollback-succeeded');
    expect(printed.slice(0, printed.indexOf('specVersion'))).toMatchInlineSnapshot(`
      "# The rules of mapping overlapping.yaml and preset service for CDEvents 0.4.1, with all defaults spelled out.
      # They are tried in order, and the first one that matches an event wins; one with emit: [] leaves it alone.
      # Expressions are CEL; a field whose expression evaluates to null is left out.
      # Off unless enabled, with enable: [canaries, artifacts] or some of it.
      # Left out, because an earlier rule matches the same events: rollback-succeeded.
      "
    `);
  });

  it('takes a flag for more than what the mapping says of itself', async () => {
    const file = join(FIXTURES, 'overlapping.yaml');
    const { specVersion, rules } = parse(await show('--mapping', file, '--spec-version', '0.5'));
    expect([specVersion, rules[0].emit[0].content]).toMatchObject(['0.5', { uri: 'event.metadata.?url' }]);
    const { code, stderr } = await runCommand(createMappingCommand, ['show', '--mapping', file, '--preset', 'none']);
    expect([code, stderr]).toEqual([1, expect.stringContaining(':3:10: enable[0]: expected an optional of ')]);
  });

  it('1 for a mapping that is wrong, with all that is wrong', async () => {
    const file = join(FIXTURES, 'broken.yaml');
    const { code, stdout, stderr } = await runCommand(createMappingCommand, ['show', '--mapping', file]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.replaceAll(file, 'mapping.yaml')).toMatchInlineSnapshot(`
      "mapping.yaml:4:18: rules[0].match: expected a field of event: involvedObject, severity, timestamp, message, reason, metadata, reportingController, reportingInstance, action, relatedObject (did you mean reason?), found reson
      mapping.yaml:6:15: rules[0].emit[0].type: expected an event name of CDEvents 0.4.1 (did you mean service.upgraded?), found "service.upgrade"
      mapping.yaml:7:11: rules[1].name: expected the name of the rule: at most 100 lower case letters, digits and -, found "Installed"
      mapping.yaml:11:9: rules[1].emit[0].contents: expected one of the fields type, subject, content, customData or incident (did you mean content?), found contents
      "
    `);
  });

  it('shows that preset none has none', async () => {
    expect(parse(await show('--preset', 'none')).rules).toEqual([]);
  });

  it('2 for a preset that does not exist', async () => {
    const { code, stderr } = await runCommand(createMappingCommand, ['show', '--preset', 'mine']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Allowed choices are rfc, service, none')]);
  });
});
