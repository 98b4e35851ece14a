import { parse } from '@lukeed/ms';
import { FluxCDEventsError } from '../errors.ts';

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/i;
const DURATION = /^\d+(?:\.\d+)? ?[a-z]+$/i;

/**
 * Reads the start of a period: an RFC 3339 date-time, or a duration before now (`90s`, `2h`, `7d`).
 * @returns epoch ms
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID`
 */
export function parseSince(text: string, now: number): number {
  if (DATE_TIME.test(text)) {
    const at = Date.parse(text);
    if (!Number.isNaN(at)) return at;
  }
  const durationMs = DURATION.test(text) ? parse(text) : undefined;
  if (durationMs !== undefined) return now - durationMs;
  throw new FluxCDEventsError(
    'FCE_OPTION_INVALID',
    `since: expected an RFC 3339 date-time or a duration such as 2h, found ${JSON.stringify(text)}`,
  );
}
