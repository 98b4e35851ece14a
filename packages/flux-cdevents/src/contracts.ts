/** What happened to an event. `nothing`: no Alert selects it, or its mapping makes no CDEvent. */
export type Acceptance =
  | { readonly status: 'stored' | 'nothing' }
  | { readonly status: 'duplicate'; readonly retryAfterMs: number };

/**
 * What became of a waiting entry. `committed`: its mapped entries have taken its place. `lost`: its lease
 * had ended, and nothing changed. `not-ready`: its Provider cannot be mapped for now, and the lease goes on.
 */
export type MapOutcome = 'committed' | 'lost' | 'not-ready';

/** What an API server says about a bearer token (`TokenReview` of `authentication.k8s.io/v1`). */
export interface TokenReview {
  readonly authenticated: boolean;
  /** `system:serviceaccount:flux-system:helm-controller`. */
  readonly username?: string;
  /** The requested audiences that the token is valid for. */
  readonly audiences: readonly string[];
}
