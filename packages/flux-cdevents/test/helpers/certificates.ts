import { generate } from 'selfsigned';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

interface ServerOptions {
  /** When it expires. */
  readonly notAfter?: Date;
}

interface ClientOptions extends ServerOptions {
  /** Subject alternative names: `spiffe://…`. */
  readonly uris?: readonly string[];
}

/** A certificate authority that lives as long as the test. */
export interface CertificateAuthority {
  /** PEM. */
  readonly ca: string;
  /** For `localhost`, or for the host that is given. */
  server(host?: string, options?: ServerOptions): Promise<Certificate>;
  client(name: string, options?: ClientOptions): Promise<Certificate>;
  /** An authority whose certificate this one issued. What it issues comes without it: a server appends its `ca`. */
  intermediate(name?: string): Promise<CertificateAuthority>;
}

const elliptic = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

/** A root. */
export const createAuthority = (name = 'test authority'): Promise<CertificateAuthority> => createIssuer(name);

async function createIssuer(name: string, issuer?: Certificate): Promise<CertificateAuthority> {
  const authority = await generate([{ name: 'commonName', value: name }], {
    ...elliptic,
    ...(issuer && { ca: issuer }),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const ca = { key: authority.private, cert: authority.cert };
  const issue = async (
    commonName: string,
    usage: 'serverAuth' | 'clientAuth',
    { uris = [], notAfter }: ClientOptions = {},
  ): Promise<Certificate> => {
    const issued = await generate([{ name: 'commonName', value: commonName }], {
      ...elliptic,
      ca,
      ...(notAfter && { notBeforeDate: new Date(notAfter.getTime() - 86_400_000), notAfterDate: notAfter }),
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
    server: (host = 'localhost', options) => issue(host, 'serverAuth', options),
    client: (clientName, options) => issue(clientName, 'clientAuth', options),
    intermediate: (intermediateName = 'intermediate authority') => createIssuer(intermediateName, ca),
  };
}
