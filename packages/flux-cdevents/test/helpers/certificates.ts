import { generate } from 'selfsigned';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority that lives as long as the test. */
export interface CertificateAuthority {
  /** PEM. */
  readonly ca: string;
  /** For `localhost`, or for the host that is given. */
  server(host?: string): Promise<Certificate>;
  /** @param uris subject alternative names: `spiffe://…` */
  client(name: string, options?: { readonly uris?: readonly string[]; readonly notAfter?: Date }): Promise<Certificate>;
}

const elliptic = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

export async function createAuthority(name = 'test authority'): Promise<CertificateAuthority> {
  const authority = await generate([{ name: 'commonName', value: name }], {
    ...elliptic,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const ca = { key: authority.private, cert: authority.cert };
  const issue = async (
    commonName: string,
    usage: 'serverAuth' | 'clientAuth',
    { uris = [], notAfter }: { readonly uris?: readonly string[]; readonly notAfter?: Date } = {},
  ): Promise<Certificate> => {
    const issued = await generate([{ name: 'commonName', value: commonName }], {
      ...elliptic,
      ca,
      ...(notAfter && { notAfterDate: notAfter }),
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true },
        { name: 'extKeyUsage', [usage]: true },
        {
          name: 'subjectAltName',
          altNames: [{ type: 2, value: commonName }, ...uris.map((value) => ({ type: 6 as const, value }))],
        },
      ],
    });
    return { cert: issued.cert, key: issued.private };
  };
  return {
    ca: authority.cert,
    server: (host = 'localhost') => issue(host, 'serverAuth'),
    client: (clientName, options) => issue(clientName, 'clientAuth', options),
  };
}
