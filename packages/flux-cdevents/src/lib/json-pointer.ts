/** The JSON Pointer of a path: `/rules/0/name`. @see https://www.rfc-editor.org/rfc/rfc6901 */
export const formatPointer = (path: readonly (string | number)[]): string =>
  path.map((segment) => `/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The path of a JSON Pointer, indices as text. What stands before the first slash, such as `#`, does not count. */
export const parsePointer = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
