import type { SkipReason } from '../map/convert-event.ts';
import type { PresetName, ProviderOptions, SpecVersion } from '../provider/provider.ts';

/** A file of cases: Flux events and the CDEvents that a mapping should make of them. */
export interface CasesFile {
  /** A file, relative to this one. */
  readonly mapping?: string;
  /** Wins over the mapping's own, as an annotation of the Provider does. */
  readonly preset?: PresetName;
  readonly specVersion?: SpecVersion;
  readonly cluster?: string;
  /** Template of `context.source`. */
  readonly source?: string;
  readonly unmapped?: ProviderOptions['unmapped'];
  readonly unchanged?: ProviderOptions['unchanged'];
  /** The variable of expressions, as `namespace/name`. */
  readonly provider?: string;
  readonly alert?: string;
  /** The `eventMetadata` of the Alert. */
  readonly eventMetadata?: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

/** One story of one or more objects. It begins with an empty memory. */
export interface Case {
  readonly name: string;
  /** Its line in the file, from 1. */
  readonly line: number;
  /** Replaces that of the file. */
  readonly eventMetadata?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

/** One Flux event and its expected result. */
export interface Step {
  /** The relevant part of the event, or the path of a file with a whole one, relative to the file of cases. */
  readonly event: WrittenEvent | string;
  readonly line: number;
  /** The rule that should match. */
  readonly rule?: string;
  /** The relevant part of each CDEvent. */
  readonly expect: readonly ExpectedCDEvent[];
  /** Why there should be none. */
  readonly skipped?: SkipReason;
  /** A part of the error, for a rule that should fail. */
  readonly error?: string;
}

/** A Flux event of which only the reason is required. */
export interface WrittenEvent {
  readonly reason: string;
  readonly involvedObject?: Readonly<Record<string, string>>;
  readonly severity?: 'info' | 'error';
  /** RFC 3339. */
  readonly timestamp?: string;
  readonly message?: string;
  /** Keys with or without their prefix. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly action?: string;
  readonly relatedObject?: Readonly<Record<string, string>>;
}

/** The relevant parts of a CDEvent. A string `$name` stands for the same value throughout the case. */
export interface ExpectedCDEvent {
  /** An event name (`service.upgraded`) or a full type. */
  readonly type: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly subject?: Readonly<Record<string, unknown>>;
  readonly customData?: unknown;
}
