import { describe, expect, it } from 'vitest';
import { isSpiffeId, spiffeIdOf } from './spiffe.ts';

const ID = 'spiffe://cluster.local/ns/flux-system/sa/helm-controller';

describe('the SPIFFE ID of a certificate', () => {
  it.each<[string, string | undefined, boolean, string | undefined]>([
    ['its URI', `URI:${ID}`, false, ID],
    ['beside other names', `DNS:helm-controller, URI:${ID}, IP Address:127.0.0.1`, false, ID],
    ['no URI', 'DNS:localhost', false, undefined],
    ['no names', undefined, false, undefined],
    ['two URIs', `URI:${ID}, URI:spiffe://other/x`, false, undefined],
    ['two URIs, one of another scheme', `URI:${ID}, URI:https://example.com`, false, undefined],
    ['a URI of another scheme', 'URI:https://cluster.local/ns', false, undefined],
    ['the certificate of an authority', `URI:${ID}`, true, undefined],
    // Node.js puts a value with a comma in quotes: this is one DNS name, not a name and a URI
    ['a name that holds the text of one', `DNS:"x, URI:${ID}"`, false, undefined],
    ['a name that holds a quote and the text of one', `DNS:"x\\", URI:${ID}"`, false, undefined],
    ['a URI in quotes', `URI:"${ID}"`, false, undefined],
    ['a name in another case', `uri:${ID}`, false, undefined],
  ])('%s', (_, subjectAltName, ca, expected) => {
    expect(spiffeIdOf({ subjectAltName, ca })).toBe(expected);
  });
});

it.each([
  [ID, true],
  ['spiffe://cluster.local', true],
  ['spiffe://Cluster.local/x', false],
  ['spiffe://cluster.local/', false],
  ['spiffe://cluster.local/a//b', false],
  ['spiffe://cluster.local/a/../b', false],
  ['spiffe://cluster.local/a?b', false],
  ['spiffe://user@cluster.local/a', false],
  ['spiffe://cluster.local:8443/a', false],
  ['spiffe://', false],
  ['https://cluster.local/a', false],
])('%s: %s', (text, expected) => expect(isSpiffeId(text)).toBe(expected));
