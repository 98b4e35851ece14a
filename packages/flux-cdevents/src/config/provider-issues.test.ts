import { expect, it } from 'vitest';
import { resolveWith } from '../../test/helpers/resolve.ts';
import { formatFault } from '../diagnostics/format.ts';
import type { Provider } from '../flux/provider.ts';
import { providerIssues } from './provider-issues.ts';

const findingsOf = (spec: Partial<Provider['spec']>, annotations: Readonly<Record<string, string>> = {}) => {
  const prefixed = Object.entries(annotations).map(([name, value]) => [`cdevents.toolkit.fluxcd.io/${name}`, value]);
  const provider: Provider = {
    metadata: { namespace: 'apps', name: 'hub', annotations: Object.fromEntries(prefixed) },
    spec: { type: 'cdevents', address: 'http://sink', ...spec },
  };
  return providerIssues(provider, resolveWith(provider)).map((issue) => `${issue.severity}: ${formatFault(issue)}`);
};

it.each<[Partial<Provider['spec']>, string[]]>([
  [{}, []],
  [{ type: 'slack', serviceAccountName: 'x', timeout: '0s' }, []],
  [{ address: 'x' }, ['error: spec.address: expected an absolute http or https URL, found "x"']],
  [
    { type: 'cdevent' },
    ['error: spec.type: expected a Provider type of Flux, or cdevents (did you mean cdevents?), found "cdevent"'],
  ],
  [
    { type: 'slak' },
    ['warning: spec.type: expected a Provider type of Flux, or cdevents (did you mean slack?), found "slak"'],
  ],
  [{ type: 'novelty' }, ['warning: spec.type: expected a Provider type of Flux, or cdevents, found "novelty"']],
  [
    { serviceAccountName: 'sa', commitStatusExpr: "'x'" },
    [
      'warning: spec.serviceAccountName: expected nothing: it has no effect on type cdevents, found "sa"',
      `warning: spec.commitStatusExpr: expected nothing: it has no effect on type cdevents, found "'x'"`,
    ],
  ],
])('%j', (spec, messages) => expect(findingsOf(spec)).toEqual(messages));

const at = (name: string) => `warning: metadata.annotations[cdevents.toolkit.fluxcd.io/${name}]`;
it.each<[string, Record<string, string>, string[]]>([
  ['cdevents', { 'webhook-auth': 'none' }, []],
  [
    'cdevents',
    { address: 'http://hub' },
    [`${at('address')}: expected nothing: it has no effect on type cdevents, found "http://hub"`],
  ],
  [
    'generic',
    { 'webhook-auth': 'none' },
    [
      `${at('webhook-auth')}: expected nothing: it has no effect without cdevents.toolkit.fluxcd.io/address, found "none"`,
    ],
  ],
  ['generic', { address: 'http://hub', 'webhook-auth': 'none' }, []],
  ['slack', { address: 'http://hub' }, []],
])('of the webhook: type %s, %j', (type, annotations, messages) =>
  expect(findingsOf({ type }, annotations)).toEqual(messages),
);

it('says that a Provider of type generic does not sign', () => {
  const findings = findingsOf({ type: 'generic' }, { address: 'http://hub' });
  expect(findings.at(-1)).toBe(
    `${at('webhook-auth')}: expected none, or type generic-hmac: type generic does not sign, so that its requests are refused, found nothing`,
  );
});
