import { X509Certificate } from 'node:crypto';

const block = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** Every certificate of a bundle; none when one of them does not parse, since TLS would refuse the bundle. */
export function certificatesIn(pem: string): X509Certificate[] {
  try {
    return (pem.match(block) ?? []).map((text) => new X509Certificate(text));
  } catch {
    return [];
  }
}
