import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * The SPIFFE ID of an X.509-SVID: its only URI among the subject alternative names. Undefined for a certificate that
 * has none or several, or that is one of an authority.
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

/** `spiffe://cluster.local/ns/flux-system/sa/helm-controller`: a trust domain and a path, in the letters that may be. */
export const isSpiffeId = (text: string): boolean =>
  /^spiffe:\/\/[a-z0-9._-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/.test(text) && text.length <= 2048;

/**
 * Takes the list apart as Node.js writes it: a value with a comma or a quote in it stands in quotes. A name that does
 * so can be no SPIFFE ID, and must not be read as several names.
 */
function splitNames(names: string): readonly string[] {
  return names.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((name) => name.trim()) ?? [];
}

/** Whether the other end of a connection may post. */
export type PeerCheck = (socket: Socket) => boolean;

/**
 * Checks whom the certificate of the client names, once a connection, and that it has not expired since, at each
 * request: connections of a busy sender live long.
 * @param ids those that may post; absent: whoever has a certificate of the authority
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
