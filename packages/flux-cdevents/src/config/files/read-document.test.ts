import { describe, expect, it } from 'vitest';
import { formatLocation } from '../../diagnostics/format.ts';
import { readDocument } from './read-document.ts';

const keysOf = (text: string) => readDocument(text).objects.map(({ key }) => key);
const problemsOf = (text: string) =>
  readDocument(text).issues.map(
    (issue) => `${issue.place?.line}: ${formatLocation(issue)}: ${issue.expected}, ${issue.found}`,
  );

describe('readDocument', () => {
  it('knows the objects of the configuration and the labels of all others', () => {
    const { objects } = readDocument(`apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: s, namespace: apps}}
- {apiVersion: notification.toolkit.fluxcd.io/v1, kind: Alert, metadata: {name: a}}
- {apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: h, labels: {team: a, n: 5}}}
- {apiVersion: pkg.crossplane.io/v1, kind: Provider, metadata: {name: p}}
- {apiVersion: example.com/v1, kind: Secret, metadata: {name: t}}
`);
    expect(objects.map(({ key, reading }) => [key, reading.kind])).toEqual([
      ['Secret apps/s', 'Secret'],
      ['Alert default/a', 'Alert'],
      ['helm.toolkit.fluxcd.io/HelmRelease default/h', 'Other'],
      ['pkg.crossplane.io/Provider default/p', 'Other'],
      ['example.com/Secret default/t', 'Other'],
    ]);
    expect(objects[2]?.reading).toMatchObject({ labels: { team: 'a' }, group: 'helm.toolkit.fluxcd.io' });
  });

  it.each([
    ['a comment', '# nothing'],
    ['text', 'just text'],
    ['a list', '- a\n- b'],
    ['a kustomization without kind', 'resources: [a.yaml]'],
    ['mapping rules', 'preset: service\nrules: []'],
    ['an object without a name', 'kind: Service\nmetadata: {}'],
  ])('leaves out %s', (_, text) => {
    expect(keysOf(text)).toEqual([]);
    expect(problemsOf(text)).toEqual([]);
  });

  it('reads JSON, with tabs as well', () => {
    const json = JSON.stringify({ kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' } }, null, '\t');
    expect(keysOf(json)).toEqual(['Secret default/s']);
  });

  it('follows anchors and merge keys', () => {
    const { objects } = readDocument(`
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Provider
metadata: {name: a}
x: &spec {type: cdevents, address: http://a}
spec:
  <<: *spec
  address: http://b
`);
    expect(objects[0]?.reading).toMatchObject({ value: { spec: { type: 'cdevents', address: 'http://b' } } });
  });

  it.each([
    ['a: [1\nb: 2', /^2: document: YAML, an error: Flow sequence/],
    ['a: 1\na: 2', /^2: document: YAML, an error: Map keys must be unique/],
    ['\n\na: *unknown', /^3: document: YAML, an error: Unresolved alias/],
    ['a: "x', /document: YAML, an error: Missing closing "quote/],
  ])('says what is wrong with %j', (text, message) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(message)]);
  });

  it('misses a kind and a name only where it knows what is meant', () => {
    expect(problemsOf('apiVersion: notification.toolkit.fluxcd.io/v1\nmetadata: {name: a}')).toEqual([
      '1: kind: Provider or Alert, nothing',
    ]);
    expect(problemsOf('apiVersion: v1\nkind: Secret\nmetadata: {}')).toEqual([
      '3: metadata.name: the name of the Secret, nothing',
    ]);
  });

  it('misses the API version of an Alert and a Provider', () => {
    const { objects } = readDocument('kind: Provider\nmetadata: {name: a}\nspec: {type: cdevents}');
    expect(objects[0]?.reading).toMatchObject({
      kind: 'Provider',
      issues: [{ path: ['apiVersion'], found: 'nothing' }],
    });
  });

  it('is not led astray by aliases that grow', () => {
    const rows = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i++) {
      const [before, here] = [String.fromCharCode(96 + i), String.fromCharCode(97 + i)];
      rows.push(`${here}: &${here} [*${before}, *${before}, *${before}, *${before}, *${before}, *${before}]`);
    }
    expect(problemsOf(rows.join('\n'))).toEqual([expect.stringMatching(/alias/)]);
  });

  it('gives the line of a field, or of the nearest place above it', () => {
    const [object] = readDocument(`---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Alert
metadata:
  name: a
spec:
  eventSources:
    - kind: HelmRelease
      name: x
      matchLabels:
        app.kubernetes.io/name: y
    - name: z
`).objects;
    const lines = [
      ['metadata', 'name'],
      ['spec', 'eventSources', 0, 'matchLabels', 'app.kubernetes.io/name'],
      ['spec', 'eventSources', 1, 'kind'],
    ];
    expect([...lines, ['spec', 'providerRef', 'name'], ['status']].map((path) => object?.lineOf(path))).toEqual([
      5, 11, 12, 6, 2,
    ]);
  });
});
