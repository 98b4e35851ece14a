import { diffLines } from 'diff';
import { stringify } from 'yaml';
import { nameOf } from '../../flux/object-ref.ts';
import { authorOf } from '../../map/explanation.ts';
import { type Difference, nameOfType } from '../../mapping-cases/compare.ts';
import { type CaseResult, isWrong, type StepResult } from '../../mapping-cases/run-cases.ts';
import { describeEvent, describeTried } from '../explain.ts';
import { type Line, paint } from '../io.ts';
import type { ChosenMapping } from './flags.ts';

const INDENT = '      ';

/** The result of a case for people: one line, and the differences when it failed. */
export function reportLines(
  { name, passed, steps }: CaseResult,
  { file, chosen: { options } }: { readonly file: string; readonly chosen: ChosenMapping },
): Line[] {
  if (passed) return [['  ', paint('green', '✓'), ` ${name}`]];
  const step = steps.at(-1);
  const head = ['  ', paint('red', '✗'), ` ${name}`];
  if (!step) return [head];
  const { result, event } = step;
  const which = steps.length > 1 ? `, step ${steps.length}` : '';
  const say = (line: Line) => [INDENT, line];
  return [
    head,
    say(`${file}:${step.line}${which}: ${describeEvent(event)}`),
    say(describeMatch(result, options)),
    ...(result.tried.length > 1 ? [say(`rules tried: ${describeTried(result.tried)}`)] : []),
    ...withheldOf(step).map(({ type, why }) => say(`not sent: ${nameOfType(type)}: ${why}`)),
    ...step.complaints.map((complaint) => say(paint('red', complaint))),
    ...(step.difference ? diffOf(step.difference).map(say) : []),
  ];
}

function describeMatch({ rule, from, skipped }: StepResult['result'], options: ChosenMapping['options']): string {
  if (rule && from) return `matched by rule ${rule} of ${authorOf(from, options)}`;
  return skipped === 'unchanged' ? 'skipped as unchanged, before any rule' : 'matched by no rule';
}

/** An expected CDEvent that was withheld, with the reason. */
function withheldOf({ result, difference }: StepResult): StepResult['result']['withheld'] {
  const expected = (difference?.expected ?? []) as readonly { readonly type: string }[];
  return result.withheld.filter(({ type }) => expected.some((one) => [type, nameOfType(type)].includes(one.type)));
}

/** The lines of both sides; those of only one side are marked. */
function diffOf({ expected, found }: Difference): Line[] {
  const lines = diffLines(toYaml(expected), toYaml(found)).flatMap(({ value, added, removed }) => {
    const [mark, style] = added
      ? (['+', 'green'] as const)
      : removed
        ? (['-', 'red'] as const)
        : ([' ', 'dim'] as const);
    return value
      .trimEnd()
      .split('\n')
      .map((line) => paint(style, `${mark} ${line}`));
  });
  return [paint('red', '- expected'), paint('green', '+ found'), ...lines];
}

const toYaml = (cdevents: readonly unknown[]): string =>
  cdevents.length === 0 ? '[] (none)\n' : stringify(cdevents, { lineWidth: 0, aliasDuplicateObjects: false });

/** The result of a case as JSON. */
export const toReport = ({ name, line, passed, steps }: CaseResult) => ({
  name,
  line,
  passed,
  steps: steps.map((step) => {
    const { event, result, complaints, difference } = step;
    const { kind } = event.involvedObject;
    return {
      line: step.line,
      passed: !isWrong(step),
      event: { kind, object: nameOf(event.involvedObject), reason: event.reason },
      ...(result.rule && { rule: result.rule }),
      ...(result.from && { from: result.from }),
      tried: result.tried,
      ...(result.skipped && { skipped: result.skipped }),
      withheld: result.withheld,
      ...(complaints.length > 0 && { complaints }),
      ...difference,
    };
  }),
});
