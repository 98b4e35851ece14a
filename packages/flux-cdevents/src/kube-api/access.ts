/** Who we are to an API server, and how we tell that it is the right one. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
}

/** As `tls.connect` takes them. */
export interface TlsSettings {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Where an API server is and how to log in to it: from the Pod's ServiceAccount, or from a kubeconfig. */
export interface ApiAccess {
  /** Base URL, without a slash at its end. */
  readonly server: string;
  /** The namespace that the credentials belong to; undefined when they name none. */
  readonly namespace?: string;
  /** An HTTP proxy on the way to the API server. */
  readonly proxy?: string;
  /** What the next request needs. Files that rotate are read again, at the latest after a minute. */
  credentials(): Promise<Credentials>;
  /** Credentials were refused: the next ones are read from their source. */
  renew(): void;
}

/** How old credentials from a file may be: as in client-go, and far shorter than a token lives. */
export const CREDENTIALS_MAX_AGE_MS = 60_000;
