import type { ConfigIssue } from '../diagnostics/issue.ts';
import type { Alert } from '../flux/alert.ts';
import type { InvolvedObject } from '../flux/object-ref.ts';
import type { ResolvedProvider } from '../provider/provider.ts';

/** Labels of a live object. */
export type Labels = Readonly<Record<string, string>>;

/** An object or a file that is wrong. The last good version of the object, if there was one, stays in use. */
export interface ConfigProblem {
  /** `Provider flux-system/hub`, `Alert apps/all`; absent when a file cannot be read as objects at all. */
  readonly object?: string;
  /** `providers.yaml:12`: file and line, in files mode. */
  readonly where?: string;
  /** `error` when the object cannot do its work; `warning` when part of it has no effect. */
  readonly severity: 'error' | 'warning';
  readonly issue: ConfigIssue;
}

/** The whole configuration at one moment. Immutable: a change makes a new one, all of it at once. */
export interface ConfigSnapshot {
  readonly alerts: readonly Alert[];
  /** By `namespace/name`. */
  readonly providers: ReadonlyMap<string, ResolvedProvider>;
  readonly problems: readonly ConfigProblem[];
}

/** The port: where Alerts and Providers come from. */
export interface ConfigSource {
  /**
   * Loads and keeps watching. Resolves when the first whole snapshot is there.
   * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when there is nothing to read from (no such folder)
   */
  start(): Promise<void>;
  /** Undefined until the first load is complete: the event endpoint answers 503 until then. */
  snapshot(): ConfigSnapshot | undefined;
  /** Labels of the involved object for `matchLabels`; undefined when they cannot be known. */
  labels(object: InvolvedObject): Promise<Labels | undefined>;
  /** Called after each change with the new snapshot. @returns a function that ends the subscription */
  onChange(listener: (snapshot: ConfigSnapshot) => void): () => void;
  close(): Promise<void>;
}
