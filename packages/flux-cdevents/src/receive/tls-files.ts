import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { certificatesIn } from '../lib/pem.ts';
import { type WatchedFiles, watchFiles } from '../lib/watched-files.ts';
import type { Logger } from '../observe/log.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  /** The server's certificate and the intermediate ones. */
  readonly cert: string;
  readonly key: string;
  /** The authorities of client certificates. Absent: clients need no certificate. */
  readonly clientCa?: string;
}

/** The content of the files, in PEM. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** TLS material that may be rotated while it is in use. */
export interface TlsSource {
  readonly current: TlsMaterial;
  /** Called with new material, after it was checked. */
  onChange(listener: (material: TlsMaterial) => void): void;
  /** Checks the files now. */
  refresh(): void;
  close(): void;
}

/** SVIDs live an hour and are renewed after half of that. */
const CHECK_EVERY_MS = 5_000;

/**
 * Reads the files, and checks every few seconds whether they changed. New files are used once they fit together; until
 * then, and while they are gone, the old ones stay in use.
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID` when they cannot be used at the start
 */
export function openTlsFiles(files: TlsFiles, logger: Logger): TlsSource {
  const watched = watchUsable(files);
  const listeners: ((material: TlsMaterial) => void)[] = [];

  const refresh = () => {
    const refreshed = watched.refresh();
    if (refreshed.status === 'failed') {
      logger.error({ error: messageOf(refreshed.error) }, 'TLS files not usable; the old ones stay');
    }
    if (refreshed.status !== 'changed') return;
    const { current } = watched;
    const { validTo, subjectAltName } = new X509Certificate(current.cert);
    logger.info({ validTo, subjectAltName }, 'TLS files reloaded');
    for (const listener of listeners) listener(current);
  };
  const timer = setInterval(refresh, CHECK_EVERY_MS).unref();

  return {
    get current() {
      return watched.current;
    },
    onChange: (listener) => void listeners.push(listener),
    refresh,
    close: () => clearInterval(timer),
  };
}

function watchUsable(files: TlsFiles): WatchedFiles<TlsMaterial> {
  try {
    return watchFiles(pathsOf(files), () => read(files));
  } catch (cause) {
    throw new FluxCDEventsError('FCE_OPTION_INVALID', `TLS of the events address: ${messageOf(cause)}`, { cause });
  }
}

const pathsOf = ({ cert, key, clientCa }: TlsFiles): readonly string[] => [cert, key, ...(clientCa ? [clientCa] : [])];

function read(files: TlsFiles): TlsMaterial {
  const cert = readFileSync(files.cert, 'utf8');
  const key = readFileSync(files.key, 'utf8');
  const ca = files.clientCa === undefined ? undefined : readFileSync(files.clientCa, 'utf8');
  try {
    new X509Certificate(cert);
    createSecureContext({ cert, key }); // which refuses a key of another certificate
  } catch (cause) {
    const what = `${files.cert} and ${files.key}: expected a certificate and its key in PEM`;
    throw new Error(`${what} (${messageOf(cause)})`, { cause });
  }
  if (ca !== undefined && certificatesIn(ca).length === 0) {
    throw new Error(`${files.clientCa}: expected certificates in PEM`);
  }
  return { cert, key, ...(ca !== undefined && { ca }) };
}
