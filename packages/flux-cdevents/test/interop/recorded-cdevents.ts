import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CDEvent } from 'cdevents-sdk';
import { type FluxEvent, parseFluxEvent } from '../../src/flux/event.ts';
import { createSequentialConverter, type SequentialConverterOptions } from '../../src/map/sequential-converter.ts';
import { cdeventsOf } from '../helpers/map-story.ts';
import { recordedBodies, recordingIsHere } from '../helpers/recording.ts';

if (!recordingIsHere) {
  // biome-ignore lint/suspicious/noConsole: a test that sees less should say so
  console.warn("interop: of the recorded events only the demo's are here");
}

const demo = fileURLToPath(new URL('../../demo/rollout.jsonl', import.meta.url));
const bodies = recordingIsHere ? recordedBodies : readFileSync(demo, 'utf8').trim().split('\n');

/** What real controllers posted: the whole recording where it lies beside the repository, else the demo's part of it. */
export const recordedEvents: readonly FluxEvent[] = bodies.map((line) => parseFluxEvent(line, 0));

/** A CDEvent with the Flux event that it came from. */
export interface Emitted {
  readonly event: FluxEvent;
  readonly cdevent: CDEvent;
}

export function emittedFrom(
  events: readonly FluxEvent[],
  options: Partial<SequentialConverterOptions> = {},
  eventMetadata: Readonly<Record<string, string>> = {},
): Emitted[] {
  const convert = createSequentialConverter(
    { specVersion: '0.4', preset: 'service', unmapped: 'skip', unchanged: 'skip', ...options },
    eventMetadata,
  );
  return events.flatMap((event) => cdeventsOf(convert(event).result).map((cdevent) => ({ event, cdevent })));
}
