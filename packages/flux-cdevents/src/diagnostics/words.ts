/** `name, match or emit`. */
export const listed = (words: readonly string[], last = 'or'): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;

/** The longest text for which a similar word is sought. */
const MAX_TYPED_CHARS = 60;

/** The word that a misspelt one was meant to be, ignoring case; undefined when no word is similar. */
export function meantWord(typed: string, words: readonly string[]): string | undefined {
  if (typed.length > MAX_TYPED_CHARS) return undefined;
  const lower = typed.toLowerCase();
  let best: string | undefined;
  let fewest = Math.max(1, Math.min(3, Math.floor(typed.length / 2))) + 1;
  for (const word of words) {
    const edits = editDistance(lower, word.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      best = word;
    }
  }
  return best === typed ? undefined : best;
}

/** The hint after an expectation: ` (did you mean reason?)`, or nothing when no word was meant. */
export const suggest = (meant: string | undefined): string => (meant ? ` (did you mean ${meant}?)` : '');

/** ` (did you mean reason?)`, or nothing when no word is similar. */
export const didYouMean = (typed: string, words: readonly string[]): string => suggest(meantWord(typed, words));

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
