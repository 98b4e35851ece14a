import { mask } from '../observe/mask.ts';
import { MAX_EXCERPT_LENGTH } from './classify.ts';

/** So much of an answer is read; after that the connection is closed. */
export const MAX_ANSWER_BYTES = 4096;

/**
 * The start of an answer in a form that may be logged: one line, without control and formatting characters, secrets
 * masked. Masked before it is cut, so that no half of a secret is left at the end.
 * @param complete false when there was more than is in `text`
 */
export function excerptOf(text: string, secrets: readonly string[], complete: boolean): string {
  // a secret that begins in what was read and ends beyond it cannot be recognised
  const longest = secrets.reduce((length, secret) => Math.max(length, secret.length), 0);
  const known = complete ? text : text.slice(0, Math.max(0, text.length - longest));
  const line = mask(known, secrets)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  const masked = mask(line, secrets); // one that was spread over lines before
  return masked.length <= MAX_EXCERPT_LENGTH ? masked : `${masked.slice(0, MAX_EXCERPT_LENGTH).trimEnd()}…`;
}
