import type { TlsSettings } from '../lib/http-dispatcher.ts';

/** How a client authenticates to an API server, and how it verifies the server. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
}

/** Where an API server is and how to log in to it: from the Pod's ServiceAccount, or from a kubeconfig. */
export interface ApiAccess {
  /** Base URL, without a slash at its end. */
  readonly server: string;
  /** The namespace that the credentials belong to; undefined when they name none. */
  readonly namespace?: string;
  /** An HTTP proxy on the way to the API server. */
  readonly proxy?: string;
  /** The credentials for the next request. Files are read again at the latest after a minute. */
  credentials(): Promise<Credentials>;
  /** Call this when credentials were refused: the next ones are read from their source. */
  renew(): void;
}

/**
 * How long credentials from a file are used: as in client-go, and far shorter than the life of a token. They are read by
 * age and after a refusal, not when a file changes as in `lib/watched-files.ts`: a kubeconfig may name an exec plugin, an
 * OpenID provider or a `tokenFile`, whose new credentials change no file that is known in advance.
 */
export const CREDENTIALS_MAX_AGE_MS = 60_000;
