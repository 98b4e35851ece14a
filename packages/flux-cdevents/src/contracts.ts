/** What became of an event. `nothing`: no Alert selects it, or its mapping makes nothing of it. */
export type Acceptance =
  | { readonly status: 'stored' | 'nothing' }
  | { readonly status: 'duplicate'; readonly retryAfterMs: number };

/** What an API server says of a bearer token (`TokenReview` of `authentication.k8s.io/v1`). */
export interface TokenReview {
  readonly authenticated: boolean;
  /** `system:serviceaccount:flux-system:helm-controller`. */
  readonly username?: string;
  /** Those of the audiences asked for that the token is valid for. */
  readonly audiences: readonly string[];
}
