import { mask } from '../observe/mask.ts';

/** The maximum number of characters that an error text quotes from an answer. */
const MAX_EXCERPT_LENGTH = 200;
/** How much of an answer is read. The connection to a receiver that sends more is closed. */
export const MAX_ANSWER_BYTES = 4096;

/** How much of that is looked at: a text may shrink where secrets are masked. */
const MAX_EXCERPTED_CHARS = 1024;

/**
 * The start of an answer as one line that may be logged, without control and formatting characters and with secrets
 * masked. Secrets are masked before the text is cut, so that no part of a secret is left at the end.
 * @param complete false when the answer was longer than `text`
 */
export function excerptOf(text: string, secrets: readonly string[], complete: boolean): string {
  const start = text.slice(0, MAX_EXCERPTED_CHARS);
  const masked = mask(start, secrets, { complete: complete && start === text })
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  return masked.length <= MAX_EXCERPT_LENGTH ? masked : `${masked.slice(0, MAX_EXCERPT_LENGTH).trimEnd()}…`;
}
