import type { CDEvent } from 'cdevents-sdk';
import type { FluxEvent } from '../flux/event.ts';
import { type Conversion, NO_TYPE } from '../map/convert-event.ts';
import { createSequentialConverter, type SequentialConverterOptions } from '../map/sequential-converter.ts';
import type { Case, Step } from './cases.ts';
import { type Captures, compareCDEvents, type Difference, nameOfType } from './compare.ts';
import { completeEvent, FIRST_EVENT_AT, STEP_MS } from './complete-event.ts';

/** The result of a case. */
export interface CaseResult {
  readonly name: string;
  readonly line: number;
  readonly passed: boolean;
  /** The steps up to the first failure. */
  readonly steps: readonly StepResult[];
}

export interface StepResult {
  readonly line: number;
  readonly event: FluxEvent;
  readonly result: Conversion;
  /** The differences from what was expected, in sentences. */
  readonly complaints: readonly string[];
  /** The CDEvents that differ from what was expected. */
  readonly difference?: Difference;
}

/** What a case depends on besides its own text. */
export interface CaseSetup {
  readonly options: SequentialConverterOptions;
  /** The metadata of the Alert, for a case without its own. */
  readonly eventMetadata?: Readonly<Record<string, string>>;
  /** The events of files, by the names that the cases give them. */
  readonly events: ReadonlyMap<string, FluxEvent>;
}

/** Runs a case through the mapping as the controller does, with an empty memory. */
export function runCase({ name, line, steps, eventMetadata }: Case, setup: CaseSetup): CaseResult {
  const convert = createSequentialConverter(setup.options, eventMetadata ?? setup.eventMetadata);
  const captures: Captures = new Map();
  const done: StepResult[] = [];
  let at = FIRST_EVENT_AT;
  for (const step of steps) {
    const event = eventOf(step, at, setup);
    const { result } = convert(event);
    const judged = judge(step, result, captures);
    done.push({ line: step.line, event, result, ...judged });
    if (isWrong(judged)) return { name, line, passed: false, steps: done };
    at = Date.parse(event.timestamp) + STEP_MS;
  }
  return { name, line, passed: true, steps: done };
}

type Judgement = Pick<StepResult, 'complaints' | 'difference'>;

export const isWrong = ({ complaints, difference }: Judgement): boolean =>
  complaints.length > 0 || difference !== undefined;

function eventOf({ event }: Step, at: number, { events }: CaseSetup): FluxEvent {
  if (typeof event !== 'string') return completeEvent(event, at);
  const read = events.get(event);
  if (!read) throw new Error(`event ${event} was not read`);
  return read;
}

function judge({ expect, rule, skipped, error }: Step, result: Conversion, captures: Captures): Judgement {
  const complaints: string[] = [];
  const say = (expected: string, found: string) => complaints.push(`expected ${expected}, found ${found}`);
  if (rule !== undefined && result.rule !== rule) say(`rule ${rule}`, result.rule ? `rule ${result.rule}` : 'none');
  if (skipped !== undefined && result.skipped !== skipped) {
    say(`the event to be skipped as ${skipped}`, result.skipped ?? 'an event that was not skipped');
  }
  const errors = result.cdevents.flatMap((mapped) => ('error' in mapped ? [mapped] : []));
  if (error === undefined)
    for (const one of errors)
      say(one.type === NO_TYPE ? 'no error' : `no error for ${nameOfType(one.type)}`, one.error);
  else if (!errors.some((one) => one.error.includes(error))) {
    say(`an error that contains ${JSON.stringify(error)}`, errors.map((one) => one.error).join('; ') || 'none');
  }
  const made = result.cdevents.flatMap((mapped): CDEvent[] => ('cdevent' in mapped ? [mapped.cdevent] : []));
  const difference = compareCDEvents(expect, made, captures);
  return { complaints, ...(difference && { difference }) };
}
