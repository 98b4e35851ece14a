import type { Issue } from '../diagnostics/issue.ts';
import { FluxCDEventsError } from '../errors.ts';
import type { Alert } from '../flux/alert.ts';
import type { InvolvedObject } from '../flux/object-ref.ts';
import type { ResolvedProvider } from '../provider/provider.ts';

/** Labels of a live object. */
export type Labels = Readonly<Record<string, string>>;

/** The whole configuration at one moment. It never changes: each change makes a new snapshot. */
export interface ConfigSnapshot {
  readonly alerts: readonly Alert[];
  /** By `namespace/name`. */
  readonly providers: ReadonlyMap<string, ResolvedProvider>;
  /** Everything that is wrong. The last good version of an object, if there was one, stays in force. */
  readonly problems: readonly Issue[];
}

/** The port: where Alerts and Providers come from. */
export interface ConfigSource {
  /**
   * Loads the configuration and keeps watching it. Resolves when the first complete snapshot is there.
   * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when there is nothing to read from (no such folder);
   * `FCE_CONFIG_NOT_LOADED` when the source is closed before the first snapshot
   */
  start(): Promise<void>;
  /** Undefined until the first load is complete: the event endpoint answers 503 until then. */
  snapshot(): ConfigSnapshot | undefined;
  /** The labels of an involved object, for `matchLabels`; undefined when they cannot be read. */
  labels(object: InvolvedObject): Promise<Labels | undefined>;
  /** Called after each change with the new snapshot. @returns a function that ends the subscription */
  onChange(listener: (snapshot: ConfigSnapshot) => void): () => void;
  /** Ends watching. The last snapshot stays, and no listener is called any more. */
  close(): Promise<void>;
}

/** Why there is no snapshot yet, when nothing more is known. */
export const NOT_LOADED = 'the configuration is not loaded yet';

/** Why a request fails that needs the first snapshot. */
export const configNotLoaded = (): FluxCDEventsError => new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', NOT_LOADED);

/** Why `start` fails when the source is closed before the first snapshot. */
export const closedBeforeLoaded = (): FluxCDEventsError =>
  new FluxCDEventsError('FCE_CONFIG_NOT_LOADED', 'stopped before the configuration was loaded');
