import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * The SPIFFE ID of an X.509-SVID: the only URI among its subject alternative names. Undefined for a certificate that has no
 * or several URIs, and for the certificate of an authority.
 * @see https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md#5-validation
 */
export function spiffeIdOf(certificate: Pick<X509Certificate, 'ca' | 'subjectAltName'>): string | undefined {
  if (certificate.ca) return undefined;
  const uris = splitNames(certificate.subjectAltName ?? '').flatMap((name) =>
    name.startsWith('URI:') ? [name.slice('URI:'.length)] : [],
  );
  const [uri, ...more] = uris;
  return uri !== undefined && more.length === 0 && isSpiffeId(uri) ? uri : undefined;
}

/** `spiffe://cluster.local/ns/flux-system/sa/helm-controller`: a trust domain and a path, of the permitted characters. */
export const isSpiffeId = (text: string): boolean =>
  /^spiffe:\/\/[a-z0-9._-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/.test(text) && text.length <= 2048;

/**
 * Splits the list as Node.js writes it: a value that contains a comma or a quote stands in quotes. Such a value cannot be a
 * SPIFFE ID, and must not be read as several names.
 */
function splitNames(names: string): readonly string[] {
  return names.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((name) => name.trim()) ?? [];
}

/** Whether the client of a connection may post. */
export type PeerCheck = (socket: Socket) => boolean;

/**
 * Checks the identity in the client certificate once a connection, and its expiry at each request: connections of a busy
 * sender live long.
 * @param ids the SPIFFE IDs that may post. Absent: every client with a certificate of the authority may
 */
export function createPeerCheck(ids: ReadonlySet<string> | undefined, now: () => number): PeerCheck {
  const known = new WeakMap<Socket, { readonly allowed: boolean; readonly notAfter: number }>();
  return (socket) => {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return false;
    let peer = known.get(socket);
    if (!peer) {
      const certificate = socket.getPeerX509Certificate();
      const id = certificate && spiffeIdOf(certificate);
      peer = {
        allowed: certificate !== undefined && (ids === undefined || (id !== undefined && ids.has(id))),
        notAfter: certificate ? Date.parse(certificate.validTo) : 0,
      };
      known.set(socket, peer);
    }
    return peer.allowed && now() <= peer.notAfter;
  };
}
