import type { MappingHeader } from '../../flux/provider.ts';
import type { Mapping } from './mapping.ts';

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

/** A mapping, and all that is wrong with it; with any issue it must not be used. */
export interface MappingReading {
  readonly mapping: Mapping | undefined;
  /** What it says of itself, as far as that could be made out. */
  readonly header: MappingHeader;
  readonly issues: readonly MappingIssue[];
}
