import type { FluxEvent } from '../flux/event.ts';
import { nameOf } from '../flux/object-ref.ts';
import type { MapResult } from '../map/to-cdevents.ts';

/** How an event was mapped, as JSON. */
export const toExplanation = (where: string, event: FluxEvent, { memory: _, ...result }: MapResult) => ({
  where,
  event: { kind: event.involvedObject.kind, object: nameOf(event.involvedObject), reason: event.reason },
  ...result,
});

/** The same for people. */
export function explainLines(where: string, event: FluxEvent, result: MapResult): string[] {
  const { kind } = event.involvedObject;
  const lines = [`${where}: ${kind} ${nameOf(event.involvedObject)} ${event.reason}`];
  if (result.tried.length > 0) lines.push(`  rules tried: ${result.tried.join(', ')}`);
  if (result.skipped) lines.push(`  skipped: ${result.skipped}`);
  if (result.rule) lines.push(`  rule: ${result.rule}`);
  for (const mapped of result.cdevents) {
    lines.push(`  → ${mapped.type}${'error' in mapped ? `: invalid: ${mapped.error}` : ''}`);
    const width = Math.max(0, ...mapped.fields.map(({ path }) => path.length));
    for (const { path, expression, value } of mapped.fields) {
      const shown = value === null || value === undefined ? '(left out)' : JSON.stringify(value);
      lines.push(`      ${path.padEnd(width)}  ${expression}  =  ${shown}`);
    }
  }
  return lines;
}
