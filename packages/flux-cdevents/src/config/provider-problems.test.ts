import { expect, it } from 'vitest';
import { formatIssue, type Provider } from '../flux/provider.ts';
import { resolveProvider } from '../flux/resolve-provider.ts';
import { providerProblems } from './provider-problems.ts';

const findingsOf = (spec: Partial<Provider['spec']>) => {
  const provider: Provider = {
    metadata: { namespace: 'apps', name: 'hub' },
    spec: { type: 'cdevents', address: 'http://sink', ...spec },
  };
  const resolved = resolveProvider(provider, { secret: () => undefined });
  return providerProblems(provider, resolved).map(({ severity, issue }) => `${severity}: ${formatIssue(issue)}`);
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
