import type { Issue } from '../diagnostics/issue.ts';
import { FluxCDEventsError } from '../errors.ts';
import type { Alert } from '../flux/alert.ts';
import type { InvolvedObject } from '../flux/object-ref.ts';
import type { ResolvedProvider } from '../provider/provider.ts';

/** Labels of a live object. */
export type Labels = Readonly<Record<string, string>>;

/** A part of the configuration that cannot be read now: a file, a folder, a Secret, all Alerts. It is unknown, not gone. */
export interface UnreadPart {
  /** What cannot be read, and why. Also among the problems of the snapshot. */
  readonly problem: Issue;
  /** When it could not be read for the first time since it was read last, on the clock of `performance.now()`. */
  readonly sinceMs: number;
  /**
   * True when the part has never been read, so that it may hold Alerts and Providers that are not in the snapshot. False
   * when its last good version is in force.
   */
  readonly mayHoldMore: boolean;
}

/** The whole configuration at one moment. It never changes: each change makes a new snapshot. */
export interface ConfigSnapshot {
  readonly alerts: readonly Alert[];
  /** By `namespace/name`. */
  readonly providers: ReadonlyMap<string, ResolvedProvider>;
  /** Everything that is wrong. The last good version of an object, if there was one, stays in force. */
  readonly problems: readonly Issue[];
  /** What cannot be read now. Empty when everything is known. */
  readonly unread: readonly UnreadPart[];
}

/**
 * Whether an object that is not in the snapshot does not exist. Otherwise nothing may be concluded from its absence: not
 * that a Provider was deleted, and not that no Alert selects an event.
 */
export const isComplete = ({ unread }: Pick<ConfigSnapshot, 'unread'>): boolean =>
  unread.every(({ mayHoldMore }) => !mayHoldMore);

/** The port: where Alerts and Providers come from. */
export interface ConfigSource {
  /**
   * Loads the configuration and keeps watching it. Resolves when the first snapshot is there, for which it waits as long
   * as nothing can be read.
   * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when there is nothing to read from (no such folder);
   * `FCE_CONFIG_NOT_LOADED` when the source is closed before the first snapshot
   */
  start(): Promise<void>;
  /** Undefined until the first load is complete: the event endpoint answers 503 until then. */
  snapshot(): ConfigSnapshot | undefined;
  /** Why there is no snapshot yet, for the readiness probe; empty once there is one. */
  waitsFor(): readonly string[];
  /**
   * The labels of an involved object, for `matchLabels`; the last ones that were read while they cannot be read.
   * Undefined when there is no such object, or when they have never been allowed to be read.
   * @throws {FluxCDEventsError} `FCE_CONFIG_NOT_LOADED` when they have never been read, and cannot be read for the moment
   */
  labels(object: InvolvedObject): Promise<Labels | undefined>;
  /** Called after each change with the new snapshot. @returns a function that ends the subscription */
  onChange(listener: (snapshot: ConfigSnapshot) => void): () => void;
  /** Ends watching. The last snapshot stays, and no listener is called any more. */
  close(): Promise<void>;
}

/** Why there is no snapshot yet, when nothing more is known. */
export const NOT_LOADED = 'the configuration is not loaded yet';

/** Why a request fails that needs the first snapshot, or a part that has never been read. */
export const configNotLoaded = (why = NOT_LOADED, cause?: unknown): FluxCDEventsError =>
  new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', why, { cause });

/** Why `start` fails when the source is closed before the first snapshot. */
export const closedBeforeLoaded = (): FluxCDEventsError =>
  new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', 'stopped before the configuration was loaded');
