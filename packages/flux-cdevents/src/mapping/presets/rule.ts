import type { Emit, Rule } from '../rules/mapping-model.ts';

/** One rule of a preset. */
export const rule = (name: string, match: string, ...emit: Emit[]): Rule => ({ name, match, emit });

/** A rule that applies only where a mapping enables its name. */
export const optionalRule = (optional: string, name: string, match: string, ...emit: Emit[]): Rule => ({
  name,
  optional,
  match,
  emit,
});

/** The events of a HelmRelease with one of these reasons. */
export const helmRelease = (...reasons: readonly string[]): string =>
  `event.involvedObject.kind == 'HelmRelease' && ${reasonIn(reasons)}`;

/** `event.reason == 'A'`, `event.reason in ['A', 'B']`. */
export function reasonIn(reasons: readonly string[]): string {
  const quoted = reasons.map((reason) => `'${reason}'`);
  return reasons.length === 1 ? `event.reason == ${quoted[0]}` : `event.reason in [${quoted.join(', ')}]`;
}

/** The reasons that a failing Kustomization reports. */
export const KUSTOMIZATION_FAILURES = [
  'ReconciliationFailed',
  'BuildFailed',
  'PruneFailed',
  'HealthCheckFailed',
  'ArtifactFailed',
] as const;
