import { mask } from '../observe/mask.ts';

/** The maximum number of characters that an error text quotes from an answer. */
const MAX_EXCERPT_LENGTH = 200;
/** How much of an answer is read. The connection to a receiver that sends more is closed. */
export const MAX_ANSWER_BYTES = 4096;

/**
 * The start of an answer as one line that may be logged, without control and formatting characters and with secrets
 * masked. Secrets are masked before the text is cut, so that no part of a secret is left at the end.
 * @param complete false when the answer was longer than `text`
 */
export function excerptOf(text: string, secrets: readonly string[], complete: boolean): string {
  // a secret that continues beyond the end of the text cannot be recognised
  const longest = secrets.reduce((length, secret) => Math.max(length, secret.length), 0);
  const known = complete ? text : text.slice(0, Math.max(0, text.length - longest));
  const line = mask(known, secrets)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  const masked = mask(line, secrets); // finds secrets that were spread over several lines
  return masked.length <= MAX_EXCERPT_LENGTH ? masked : `${masked.slice(0, MAX_EXCERPT_LENGTH).trimEnd()}…`;
}
