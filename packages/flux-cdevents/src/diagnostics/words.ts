/** `name, match or emit`. */
export const listed = (words: readonly string[], last = 'or'): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;

/** What follows on an expectation: ` (did you mean reason?)`, or nothing when no word is near. */
export const suggest = (meant: string | undefined): string => (meant ? ` (did you mean ${meant}?)` : '');
