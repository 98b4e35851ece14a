/** Replaces every secret in a text; the longest first, so that one inside another leaves nothing behind. */
export const mask = (text: string, secrets: readonly string[]): string => {
  let masked = text;
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret !== '') masked = masked.replaceAll(secret, '*****');
  }
  return masked;
};
