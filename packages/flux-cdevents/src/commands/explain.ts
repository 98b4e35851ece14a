import type { FluxEvent } from '../flux/event.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { Explanation } from '../http/api-types.ts';
import { NO_TYPE } from '../map/convert-event.ts';
import { authorOf, type ExplainedField } from '../map/explanation.ts';
import { describeChange } from '../map/memory/describe-change.ts';
import type { Converted } from '../map/sequential-converter.ts';
import type { ProviderOptions } from '../provider/provider.ts';

/** An event, its result, and the rules that produced it. */
export interface Explained extends Converted {
  /** The place of the event in the input. */
  readonly where: string;
  readonly event: FluxEvent;
  readonly options: Pick<ProviderOptions, 'preset' | 'mapping'>;
}

/** The longest line, unless a name is longer. */
const COLUMNS = 100;
const MAX_EXPRESSION = 40;
const INDENT = '      ';

/** `HelmRelease apps/podinfo InstallSucceeded`. */
export const describeEvent = ({ involvedObject, reason }: Pick<FluxEvent, 'involvedObject' | 'reason'>): string =>
  `${involvedObject.kind} ${nameOf(involvedObject)} ${reason}`;

/** The explanation of an event as JSON. */
export function toExplanation({ where, event, options, before, result: { memory, ...result } }: Explained) {
  return {
    where,
    event: { kind: event.involvedObject.kind, object: nameOf(event.involvedObject), reason: event.reason },
    ...(result.from && { mapping: authorOf(result.from, options) }),
    ...result,
    remembered: describeChange(before, memory),
  };
}

/** The explanation of an event as lines to read on a terminal. */
export function explainLines({ where, event, options, before, result }: Explained): string[] {
  const lines = [`${where}: ${describeEvent(event)}`];
  const say = (what: string, text: string) => lines.push(`  ${what.padEnd(11)}  ${text}`);
  if (result.tried.length > 0) say('rules tried', describeTried(result.tried));
  if (result.from && result.rule) say('matched', `${result.rule} of ${authorOf(result.from, options)}`);
  else if (result.tried.length > 0 && !result.cdevents.some(isFailure)) say('matched', 'none');
  if (result.skipped) say('skipped', result.skipped);
  for (const mapped of result.cdevents) {
    if ('error' in mapped)
      lines.push(
        `  ✗ ${mapped.type === NO_TYPE ? 'no CDEvent' : mapped.type}`,
        ...wrap(`invalid: ${mapped.error}`, INDENT),
      );
    else lines.push(`  → ${mapped.type}`);
    lines.push(...fieldLines(mapped.fields));
  }
  for (const { type, why } of result.withheld) lines.push(`  – ${type}`, ...wrap(`not sent: ${why}`, INDENT));
  for (const change of describeChange(before, result.memory)) say('remembered', change);
  return lines;
}

/**
 * Explains how a stored CDEvent was made, as lines to read on a terminal.
 * @param withValues false when there is no CDEvent to take values from
 */
export function storedLines({ mapping, rule, tried, triedCount, fields }: Explanation, withValues: boolean): string[] {
  const matched = rule === undefined ? 'none' : rule === 'unmapped' ? `none of ${mapping}` : `${rule} of ${mapping}`;
  return [
    `  rules tried  ${describeTried(tried, triedCount)}`,
    `  matched      ${matched}`,
    ...(withValues ? fieldLines(fields) : fields.map(({ path, expression }) => `${INDENT}${path}  ${expression}`)),
  ];
}

const isFailure = (mapped: object): boolean => 'error' in mapped;

/** All names, or their number and as many of the last ones as fit on a line. */
export function describeTried(tried: readonly string[], count = tried.length): string {
  const columns = COLUMNS - 15;
  const all = tried.join(', ');
  if (count === tried.length && all.length <= columns) return all;
  const head = `${count} rules, the last: `;
  let kept = tried.slice(-1);
  for (const name of tried.slice(0, -1).reverse()) {
    if (head.length + name.length + 2 + kept.join(', ').length > columns) break;
    kept = [name, ...kept];
  }
  return head + kept.join(', ');
}

/** Path, expression and value of each field, aligned. */
function fieldLines(fields: readonly ExplainedField[]): string[] {
  const paths = Math.max(0, ...fields.map(({ path }) => path.length));
  const oneLine = fields.map(({ expression }) => expression.trim().replace(/\s+/g, ' '));
  const short = oneLine.filter(({ length }) => length <= MAX_EXPRESSION);
  const expressions = Math.max(0, ...short.map(({ length }) => length));
  const margin = INDENT + ' '.repeat(paths + 2);
  return fields.flatMap(({ path, value }, index) => {
    const expression = oneLine[index] ?? '';
    const head = `${INDENT}${path.padEnd(paths)}  `;
    if (expression.length <= expressions) {
      const start = `${head}${expression.padEnd(expressions)}  `;
      return [start + describeValue(value, COLUMNS - start.length)];
    }
    const [first = '', ...more] = wrap(expression, margin);
    return [head + first.trimStart(), ...more, `${margin}${describeValue(value, COLUMNS - margin.length)}`];
  });
}

function describeValue(value: unknown, columns: number): string {
  if (value === null || value === undefined) return '(left out)';
  const text = `= ${JSON.stringify(value)}`;
  const room = Math.max(20, columns);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/** Breaks a text at spaces into lines that fit. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > COLUMNS) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
