/** The word that a typing mistake was meant to be, for a hint in an error; undefined when none is near. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(1, Math.min(3, Math.floor(typed.length / 2))) + 1;
  for (const word of words) {
    const edits = editDistance(typed.toLowerCase(), word);
    if (edits < fewest) {
      fewest = edits;
      best = word;
    }
  }
  return best;
}

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
