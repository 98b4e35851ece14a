/** Why an Alert does not select an event. */
export type NoMatchReason =
  | 'suspended'
  /** No entry names the kind, the namespace and the name of the object. */
  | 'eventSources'
  /** The object is named, but the Alert asks for another severity. */
  | 'eventSeverity'
  /** The object has other labels than `matchLabels` asks for. */
  | 'matchLabels'
  /** `matchLabels` decides, and the labels of the object could not be read. */
  | 'labels unknown'
  | 'inclusionList'
  | 'exclusionList'
  /** The object is in another namespace than the Alert, which `--no-cross-namespace-refs` forbids. */
  | 'cross-namespace';

/** Whether an Alert selects an event, and if not, why. */
export type MatchResult = { readonly matched: true } | { readonly matched: false; readonly reason: NoMatchReason };

export const matched: MatchResult = { matched: true };

export const noMatch = (reason: NoMatchReason): MatchResult => ({ matched: false, reason });
