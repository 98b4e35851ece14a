import { PROVIDER_TYPES } from '../flux/crd-enums.ts';
import { describeFound } from '../flux/issues.ts';
import { nearest } from '../flux/nearest.ts';
import { isHandledType } from '../flux/parse-provider.ts';
import type { Provider, ResolvedProvider } from '../flux/provider.ts';
import type { Finding } from './alert-problems.ts';

/** What is wrong with a Provider, and what it says in vain. A type of the notification-controller is not looked at. */
export function providerProblems({ spec }: Provider, resolved: ResolvedProvider): readonly Finding[] {
  const finding = (severity: Finding['severity'], field: string, expected: string, found: string): Finding => ({
    severity,
    issue: { path: `spec.${field}`, expected, found },
  });
  if (!isHandledType(spec.type)) {
    if (PROVIDER_TYPES.includes(spec.type)) return [];
    const meant = nearest(spec.type, PROVIDER_TYPES);
    const hint = meant ? ` (did you mean ${meant}?)` : '';
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
  return findings;
}
