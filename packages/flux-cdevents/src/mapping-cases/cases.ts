import type { PresetName, ProviderOptions, SpecVersion } from '../provider/provider.ts';

/** A file of cases: what a mapping is to make of which Flux events. */
export interface CasesFile {
  /** A file, relative to this one. */
  readonly mapping?: string;
  /** Wins over what the mapping says, as an annotation of the Provider does. */
  readonly preset?: PresetName;
  readonly specVersion?: SpecVersion;
  readonly cluster?: string;
  /** Template of `context.source`. */
  readonly source?: string;
  readonly unmapped?: ProviderOptions['unmapped'];
  readonly unchanged?: ProviderOptions['unchanged'];
  /** `namespace/name`, as expressions see it. */
  readonly provider?: string;
  readonly alert?: string;
  /** As the Alert has it. */
  readonly eventMetadata?: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

/** One story of an object or several: nothing is remembered from another case. */
export interface Case {
  readonly name: string;
  /** Where it stands in the file, from 1. */
  readonly line: number;
  /** In place of that of the file. */
  readonly eventMetadata?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

/** One Flux event, and what is to come of it. */
export interface Step {
  /** What matters of the event, or a file with a whole one, relative to the file of cases. */
  readonly event: WrittenEvent | string;
  readonly line: number;
  /** The rule that is to match. */
  readonly rule?: string;
  /** Each in part: what is not named does not matter. */
  readonly expect: readonly ExpectedCDEvent[];
  /** Why there is to be none. */
  readonly skipped?: string;
  /** What the error of a rule that is to fail has in it. */
  readonly error?: string;
}

/** A Flux event of which only the reason has to be given. */
export interface WrittenEvent {
  readonly reason: string;
  readonly involvedObject?: Readonly<Record<string, string>>;
  readonly severity?: 'info' | 'error';
  /** RFC 3339. */
  readonly timestamp?: string;
  readonly message?: string;
  /** Keys may leave out their prefix. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly action?: string;
  readonly relatedObject?: Readonly<Record<string, string>>;
}

/** The parts of a CDEvent that a case is about. A text `$name` is the same value everywhere in the case. */
export interface ExpectedCDEvent {
  /** An event name (`service.upgraded`) or a full type. */
  readonly type: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly subject?: Readonly<Record<string, unknown>>;
  readonly customData?: unknown;
}
