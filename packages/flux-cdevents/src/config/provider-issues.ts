import { describeFound } from '../diagnostics/describe.ts';
import { createIssue, createWarning, type Issue } from '../diagnostics/issue.ts';
import { meantWord, suggest } from '../diagnostics/words.ts';
import { PROVIDER_TYPES } from '../flux/crd-enums.ts';
import type { Provider } from '../flux/provider.ts';
import type { ResolvedProvider } from '../provider/provider.ts';
import { isHandledType } from '../provider/provider.ts';
import { WEBHOOK_ANNOTATIONS } from '../provider/webhook-provider.ts';

/** What is wrong with a Provider, and what has no effect. A Provider of the notification-controller is not checked. */
export function providerIssues(provider: Provider, resolved: ResolvedProvider): readonly Issue[] {
  const { spec } = provider;
  if (!isHandledType(spec.type)) {
    if (PROVIDER_TYPES.includes(spec.type)) return [];
    const meant = meantWord(spec.type, PROVIDER_TYPES);
    // A newer Flux may know the type; but a misspelt type of ours would lose every event.
    const create = isHandledType(meant) ? createIssue : createWarning;
    const expected = `a Provider type of Flux, or cdevents${suggest(meant)}`;
    return [create('invalid-value', ['spec', 'type'], expected, describeFound(spec.type))];
  }
  const issues = resolved.status === 'invalid' ? [...resolved.issues] : [];
  for (const field of ['serviceAccountName', 'commitStatusExpr'] as const) {
    const value = spec[field];
    if (!value) continue;
    const expected = `nothing: it has no effect on type ${spec.type}`;
    issues.push(createWarning('no-effect', ['spec', field], expected, describeFound(value)));
  }
  return [...issues, ...webhookIssues(provider)];
}

/** Annotations of the webhook that have no effect, or with which it accepts no request. */
function webhookIssues({ metadata, spec: { type } }: Provider): readonly Issue[] {
  const { address, secret, auth } = WEBHOOK_ANNOTATIONS;
  const annotated = (name: string) => metadata.annotations?.[name];
  const warn = (name: string, expected: string, code: Issue['code'] = 'no-effect') =>
    createWarning(code, ['metadata', 'annotations', name], expected, describeFound(annotated(name)));
  if (type === 'cdevents') {
    const idle = [address, secret].filter((name) => annotated(name) !== undefined);
    return idle.map((name) => warn(name, 'nothing: it has no effect on type cdevents'));
  }
  if (annotated(address) === undefined) {
    const idle = [secret, auth].filter((name) => annotated(name) !== undefined);
    return idle.map((name) => warn(name, `nothing: it has no effect without ${address}`));
  }
  if (type === 'generic' && annotated(auth) !== 'none') {
    const expected = 'none, or type generic-hmac: type generic does not sign, so that its requests are refused';
    return [warn(auth, expected, 'conflict')];
  }
  return [];
}
