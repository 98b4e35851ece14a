import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCommand } from '../../test/helpers/command-io.ts';
import { compileMapping } from '../map/rules/compile.ts';
import { createMappingCommand } from './mapping.ts';

const show = async (...argv: string[]) => {
  const { code, stdout } = await runCommand(createMappingCommand, ['show', ...argv]);
  expect(code).toBe(0);
  return stdout;
};

describe('mapping show', () => {
  it('spells out what an event type says by itself', async () => {
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

  it.each(['0.3', '0.4', '0.5'] as const)('prints rules for %s that compile', async (version) => {
    const text = await show('--spec-version', version);
    expect(text).not.toMatch(/[&*]a\d/);
    const mapping = parse(text);
    expect(mapping.specVersion).toBe(version);
    expect(() => compileMapping(mapping, version)).not.toThrow();
    expect(JSON.parse(await show('--spec-version', version, '--json'))).toEqual(mapping);
  });

  it('shows that preset none has none', async () => {
    expect(parse(await show('--preset', 'none')).rules).toEqual([]);
  });

  it('2 for a preset that does not exist', async () => {
    const { code, stderr } = await runCommand(createMappingCommand, ['show', '--preset', 'mine']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Allowed choices are rfc, none')]);
  });
});
