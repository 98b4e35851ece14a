import { describe, expect, it } from 'vitest';
import type { Case, Step } from './cases.ts';
import { type CaseSetup, isWrong, runCase } from './run-cases.ts';

const FAILING = `
rules:
  - name: fails
    match: event.reason == 'UpgradeSucceeded'
    emit:
      - type: service.upgraded
        customData: { team: event.metadata.team }
  - name: ignores
    match: event.reason == 'DependencyNotReady'
    emit: []
  - name: fails-to-match
    match: event.reason == 'Untiered' && event.metadata.tier == 'gold'
    emit: []
`;
const setup = (more: Partial<CaseSetup['options']> = {}): CaseSetup => ({
  options: { specVersion: '0.4', preset: 'service', unmapped: 'skip', unchanged: 'skip', ...more },
  events: new Map(),
});
const mapping = { mapping: { name: 'rules.yaml', text: FAILING } };

const aStep = (reason: string, step: Partial<Step>): Step => ({ event: { reason }, line: 1, expect: [], ...step });
const aCase = (...steps: Step[]): Case => ({ name: 'a case', line: 1, steps });
const complaintsOf = (reason: string, step: Partial<Step>, options = mapping): readonly string[] => {
  const { steps } = runCase(aCase(aStep(reason, step)), setup(options));
  return steps.flatMap(({ complaints }) => complaints);
};

describe('a case', () => {
  it('passes when all of its steps do', () => {
    const story = aCase(
      aStep('UpgradeFailed', { expect: [{ type: 'taskrun.finished' }, { type: 'incident.detected' }] }),
      aStep('UpgradeSucceeded', { expect: [{ type: 'service.upgraded' }, { type: 'incident.resolved' }] }),
    );
    expect(runCase(story, setup())).toMatchObject({ passed: true, steps: [{}, {}] });
  });

  it('ends with its first step that is wrong', () => {
    const story = aCase(aStep('UpgradeFailed', {}), aStep('UpgradeSucceeded', {}));
    const { passed, steps } = runCase(story, setup());
    expect([passed, steps.map(isWrong)]).toEqual([false, [true]]);
  });

  it('puts a minute between events', () => {
    const at = '2026-03-01T10:00:00Z';
    const story = aCase(
      aStep('DependencyNotReady', { skipped: 'unmapped' }),
      { ...aStep('', {}), event: { reason: 'DependencyNotReady', timestamp: at } },
      aStep('DependencyNotReady', {}),
    );
    expect(runCase(story, setup()).steps.map(({ event }) => event.timestamp)).toEqual([
      '2026-01-01T12:00:00.000Z',
      at,
      '2026-03-01T10:01:00.000Z',
    ]);
  });

  it('remembers nothing of another one', () => {
    const failure = aCase(
      aStep('UpgradeFailed', { expect: [{ type: 'taskrun.finished' }, { type: 'incident.detected' }] }),
    );
    const options = setup();
    expect([runCase(failure, options).passed, runCase(failure, options).passed]).toEqual([true, true]);
  });

  it('has the metadata of the Alert, its own before that of the file', () => {
    const inEnvironment = (id: string) => [{ type: 'service.upgraded', subject: { content: { environment: { id } } } }];
    const file = { ...setup(), eventMetadata: { env: 'production' } };
    const step = (id: string) => aStep('UpgradeSucceeded', { expect: inEnvironment(id) });
    expect(runCase(aCase(step('production')), file).passed).toBe(true);
    expect(runCase({ ...aCase(step('staging')), eventMetadata: { env: 'staging' } }, file).passed).toBe(true);
  });

  it.each<[string, string, Partial<Step>, readonly string[]]>([
    ['a rule that fails, as it should', 'UpgradeSucceeded', { error: 'rule fails: customData.team: ' }, []],
    [
      'another error',
      'UpgradeSucceeded',
      { error: 'division' },
      ['expected an error that contains "division", found rule fails: customData.team: No such key: team'],
    ],
    [
      'an error that should not be',
      'UpgradeSucceeded',
      {},
      ['expected no error for service.upgraded, found rule fails: customData.team: No such key: team'],
    ],
    [
      'no error',
      'DependencyNotReady',
      { error: 'division' },
      ['expected an error that contains "division", found none'],
    ],
    ['the rule', 'DependencyNotReady', { rule: 'ignores' }, []],
    ['another rule', 'DependencyNotReady', { rule: 'fails' }, ['expected rule fails, found rule ignores']],
    [
      'no rule, since one fails',
      'Untiered',
      { rule: 'fails' },
      ['expected rule fails, found none', 'expected no error, found rule fails-to-match: match: No such key: tier'],
    ],
    ['why it is skipped', 'DependencyNotReady', { skipped: 'ignored' }, []],
    [
      'another reason to skip',
      'Nothing',
      { skipped: 'ignored' },
      ['expected the event to be skipped as ignored, found unmapped'],
    ],
    [
      'what is not skipped',
      'InstallSucceeded',
      { skipped: 'ignored', expect: [{ type: 'service.deployed' }] },
      ['expected the event to be skipped as ignored, found an event that was not skipped'],
    ],
  ])('names %s', (_, reason, step, expected) => {
    const options = { ...mapping, preset: 'service' as const };
    expect(complaintsOf(reason, step, options)).toEqual(expected);
  });
});
