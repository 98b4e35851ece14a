import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { ConfigIssue } from '../../diagnostics/issue.ts';
import { describeSize } from '../../diagnostics/issues.ts';
import type { Secret } from '../../flux/secret.ts';
import type { Endpoint } from '../provider.ts';
import { inSecret } from './findings.ts';

type Tls = NonNullable<Endpoint['tls']>;

/**
 * The PEM texts of a `certSecretRef`: a CA, a client certificate with its key, or all three. The keys `ca.crt`,
 * `tls.crt` and `tls.key` win over `caFile`, `certFile` and `keyFile`.
 */
export function resolveTls(secret: Secret, issues: ConfigIssue[]): Tls {
  const at = (key: string) => inSecret(secret, key);
  const ca = pemOf(secret, 'ca.crt', 'caFile');
  const cert = pemOf(secret, 'tls.crt', 'certFile');
  const key = pemOf(secret, 'tls.key', 'keyFile');
  if (!ca && !cert && !key) {
    issues.push({
      path: at('ca.crt'),
      expected: 'ca.crt, or tls.crt and tls.key, or all three',
      found: 'none of them',
    });
    return {};
  }
  if (cert && !key) issues.push({ path: at('tls.key'), expected: 'the key of tls.crt', found: 'nothing' });
  if (key && !cert) issues.push({ path: at('tls.crt'), expected: 'the certificate of tls.key', found: 'nothing' });

  const certificateOf = (pem: Pem) => {
    const [certificate, ...chain] = certificatesOf(pem.text);
    if (certificate) return [certificate, ...chain] as const;
    issues.push({
      path: at(pem.name),
      expected: 'certificates in PEM',
      found: `${describeSize(pem.text)} that are not`,
    });
    return undefined;
  };
  if (ca) certificateOf(ca);
  const chain = cert && certificateOf(cert);
  const privateKey = key && privateKeyOf(key.text);
  if (key && !privateKey) {
    const expected = 'a private key in PEM without a passphrase';
    issues.push({ path: at(key.name), expected, found: `${describeSize(key.text)} that are not` });
  }
  if (key && chain && privateKey && !chain[0].checkPrivateKey(privateKey)) {
    issues.push({ path: at(key.name), expected: `the key of ${cert.name}`, found: 'the key of another certificate' });
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

/** Every certificate of a bundle; none when one of them does not parse, since TLS would refuse the bundle. */
function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g);
  try {
    return (blocks ?? []).map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

function privateKeyOf(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
