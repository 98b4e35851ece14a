import { describeFound, formatPath } from '../diagnostics/issues.ts';
import { nearest } from '../diagnostics/nearest.ts';
import { suggest } from '../diagnostics/words.ts';
import { PROVIDER_TYPES } from '../flux/crd-enums.ts';
import type { Provider } from '../flux/provider.ts';
import type { ResolvedProvider } from '../provider/provider.ts';
import { isHandledType } from '../provider/provider.ts';
import { WEBHOOK_ANNOTATIONS } from '../provider/webhook-provider.ts';
import type { Finding } from './alert-problems.ts';

/** What is wrong with a Provider, and what it says in vain. A type of the notification-controller is not looked at. */
export function providerProblems(provider: Provider, resolved: ResolvedProvider): readonly Finding[] {
  const { spec } = provider;
  const finding = (severity: Finding['severity'], field: string, expected: string, found: string): Finding => ({
    severity,
    issue: { path: `spec.${field}`, expected, found },
  });
  if (!isHandledType(spec.type)) {
    if (PROVIDER_TYPES.includes(spec.type)) return [];
    const meant = nearest(spec.type, PROVIDER_TYPES);
    const hint = suggest(meant);
    // A newer Flux may know the type; but whoever meant one of ours would lose every event.
    const severity = isHandledType(meant) ? 'error' : 'warning';
    return [finding(severity, 'type', `a Provider type of Flux, or cdevents${hint}`, describeFound(spec.type))];
  }
  const findings: Finding[] =
    resolved.status === 'invalid' ? resolved.issues.map((issue) => ({ severity: 'error', issue })) : [];
  for (const field of ['serviceAccountName', 'commitStatusExpr'] as const) {
    const value = spec[field];
    if (value)
      findings.push(finding('warning', field, `nothing: it has no effect on type ${spec.type}`, describeFound(value)));
  }
  return [...findings, ...webhookProblems(provider)];
}

/** Annotations of the webhook that have no effect, or let nothing in. */
function webhookProblems({ metadata, spec: { type } }: Provider): readonly Finding[] {
  const { address, secret, auth } = WEBHOOK_ANNOTATIONS;
  const annotated = (name: string) => metadata.annotations?.[name];
  const warn = (name: string, expected: string): Finding => ({
    severity: 'warning',
    issue: { path: formatPath(['metadata', 'annotations', name]), expected, found: describeFound(annotated(name)) },
  });
  if (type === 'cdevents') {
    const idle = [address, secret].filter((name) => annotated(name) !== undefined);
    return idle.map((name) => warn(name, 'nothing: it has no effect on type cdevents'));
  }
  if (annotated(address) === undefined) {
    const idle = [secret, auth].filter((name) => annotated(name) !== undefined);
    return idle.map((name) => warn(name, `nothing: it has no effect without ${address}`));
  }
  if (type === 'generic' && annotated(auth) !== 'none') {
    return [warn(auth, 'none, or type generic-hmac: type generic does not sign, so that its requests are refused')];
  }
  return [];
}
