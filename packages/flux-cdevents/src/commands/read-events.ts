import { messageOf } from '../errors.ts';
import { type FluxEvent, toFluxEvent } from '../flux/event.ts';

/** One event of the input, or its issue, and its place in the input. */
export type ReadEvent = { readonly where: string } & ({ readonly event: FluxEvent } | { readonly error: string });

/**
 * Reads Flux events from a text: one JSON document, an array of events, or JSON lines. An event with an issue does not affect
 * the others.
 * @param name the name of the text in messages
 * @param now the time of an event without a timestamp, epoch ms
 */
export function readEvents(input: string, name: string, now: number): ReadEvent[] {
  const whole = safeJson(input);
  if (whole.ok && Array.isArray(whole.value)) {
    return whole.value.map((item: unknown, index) => toEvent(`${name}[${index}]`, item, now));
  }
  if (whole.ok) return [toEvent(name, whole.value, now)];
  const lines = input.split('\n').flatMap((line, index) => {
    return line.trim() === '' ? [] : [{ where: `${name}:${index + 1}`, ...safeJson(line) }];
  });
  // When no line is JSON, the text is one document with a mistake: report that.
  if (!lines.some(({ ok }) => ok))
    return input.trim() === '' ? [] : [{ where: name, error: `not JSON: ${whole.error}` }];
  return lines.map((line) =>
    line.ok ? toEvent(line.where, line.value, now) : { where: line.where, error: `not JSON: ${line.error}` },
  );
}

type Json = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

function safeJson(input: string): Json {
  try {
    return { ok: true, value: JSON.parse(input) };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

function toEvent(where: string, value: unknown, now: number): ReadEvent {
  try {
    return { where, event: toFluxEvent(value, now) };
  } catch (error) {
    return { where, error: messageOf(error) };
  }
}
