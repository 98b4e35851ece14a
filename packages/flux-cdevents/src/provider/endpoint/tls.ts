import { createPrivateKey } from 'node:crypto';
import { describeSize } from '../../diagnostics/describe.ts';
import type { Secret } from '../../flux/secret.ts';
import { certificatesIn } from '../../lib/pem.ts';
import type { Endpoint } from '../provider.ts';
import type { EndpointReading } from './endpoint-reading.ts';

type Tls = NonNullable<Endpoint['tls']>;

/**
 * The PEM texts of a `certSecretRef`: a CA, a client certificate with its key, or all three. The keys `ca.crt`,
 * `tls.crt` and `tls.key` win over `caFile`, `certFile` and `keyFile`.
 */
export function resolveTls(secret: Secret, reading: EndpointReading): Tls {
  const ca = pemOf(secret, 'ca.crt', 'caFile');
  const cert = pemOf(secret, 'tls.crt', 'certFile');
  const key = pemOf(secret, 'tls.key', 'keyFile');
  const missing = (name: string, expected: string, found = 'nothing') =>
    reading.inSecret(secret, name, { code: 'missing', expected, found });
  if (!ca && !cert && !key) {
    missing('ca.crt', 'ca.crt, or tls.crt and tls.key, or all three', 'none of them');
    return {};
  }
  if (cert && !key) missing('tls.key', 'the key of tls.crt');
  if (key && !cert) missing('tls.crt', 'the certificate of tls.key');

  const refuse = ({ name, text }: Pem, expected: string) =>
    reading.inSecret(secret, name, { expected, found: `${describeSize(text)} that are not` });
  const certificateOf = (pem: Pem) => {
    const [certificate, ...chain] = certificatesIn(pem.text);
    if (certificate) return [certificate, ...chain] as const;
    refuse(pem, 'certificates in PEM');
    return undefined;
  };
  if (ca) certificateOf(ca);
  const chain = cert && certificateOf(cert);
  const privateKey = key && privateKeyOf(key.text);
  if (key && !privateKey) refuse(key, 'a private key in PEM without a passphrase');
  if (key && chain && privateKey && !chain[0].checkPrivateKey(privateKey)) {
    const found = 'the key of another certificate';
    reading.inSecret(secret, key.name, { code: 'conflict', expected: `the key of ${cert.name}`, found });
  }
  return { ...(ca && { ca: ca.text }), ...(cert && { cert: cert.text }), ...(key && { key: key.text }) };
}

interface Pem {
  /** The key of the Secret that it was read from. */
  readonly name: string;
  readonly text: string;
}

function pemOf({ data }: Secret, ...names: readonly string[]): Pem | undefined {
  const name = names.find((candidate) => data[candidate] !== undefined);
  return name === undefined ? undefined : { name, text: Buffer.from(data[name] ?? []).toString('utf8') };
}

function privateKeyOf(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
