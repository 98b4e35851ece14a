/** Why an Alert does not select an event. */
export type NoMatchReason =
  | 'suspended'
  /** No source names the kind, the namespace and the name of the object. */
  | 'eventSources'
  /** A source names the object, but the Alert selects another severity. */
  | 'eventSeverity'
  /** The labels of the object differ from `matchLabels`. */
  | 'matchLabels'
  /** The result depends on `matchLabels`, but the labels of the object are unknown. */
  | 'labels unknown'
  | 'inclusionList'
  | 'exclusionList'
  /** The object is in another namespace than the Alert, and `--no-cross-namespace-refs` is set. */
  | 'cross-namespace';

/** Whether an Alert selects an event, and if not, why not. */
export type MatchResult = { readonly matched: true } | { readonly matched: false; readonly reason: NoMatchReason };

export const matched: MatchResult = { matched: true };

export const noMatch = (reason: NoMatchReason): MatchResult => ({ matched: false, reason });
