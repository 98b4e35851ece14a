/** One way in which the text of a mapping is wrong. */
export interface MappingIssue {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** `rules[2].emit[0].content.outcome`. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

/** `mapping.yaml:12:7: rules[2].emit[0].type: expected an event name of CDEvents 0.4.1, found "service.launched"`. */
export const formatMappingIssue = ({ line, column, path, expected, found }: MappingIssue, file: string): string =>
  `${file}:${line}:${column}: ${path}: expected ${expected}, found ${found}`;
