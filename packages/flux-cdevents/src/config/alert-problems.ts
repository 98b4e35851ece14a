import { describeFound, formatPath } from '../diagnostics/issues.ts';
import { nearest } from '../diagnostics/nearest.ts';
import { suggest } from '../diagnostics/words.ts';
import type { Alert, EventSource } from '../flux/alert.ts';
import { EVENT_SOURCE_KINDS } from '../flux/crd-enums.ts';
import type { NamespacedName } from '../flux/object-ref.ts';
import { goRegexp } from '../lib/go-regexp.ts';
import type { ConfigProblem } from './config-source.ts';

export type Finding = Pick<ConfigProblem, 'severity' | 'issue'>;

/** What an Alert is held against. */
export interface AlertContext {
  readonly noCrossNamespaceRefs: boolean;
  providerExists(provider: NamespacedName): boolean;
  /** Whether `matchLabels` of this entry can be evaluated at all. */
  labelsKnown(source: Required<Pick<EventSource, 'kind' | 'namespace' | 'name'>>): boolean;
}

/** What an Alert says that is well-formed, but does not do what it says. */
export function alertProblems({ metadata, spec }: Alert, context: AlertContext): readonly Finding[] {
  const { namespace } = metadata;
  const findings: Finding[] = [];
  const add = (severity: Finding['severity'], path: readonly string[], expected: string, found: string) =>
    findings.push({ severity, issue: { path: formatPath(['spec', ...path]), expected, found } });

  const { name } = spec.providerRef;
  if (!context.providerExists({ namespace, name })) {
    const expected = `the name of a Provider in namespace ${namespace}`;
    add('error', ['providerRef', 'name'], expected, `${describeFound(name)}, which does not exist`);
  }

  if (spec.eventSources.length === 0) add('warning', ['eventSources'], 'one or more sources', 'an empty list');
  const isForeign = (source: EventSource) => source.namespace !== undefined && source.namespace !== namespace;
  const allForeign = spec.eventSources.every(isForeign);
  for (const [index, source] of spec.eventSources.entries()) {
    const at = (field: string) => ['eventSources', String(index), field];
    if (context.noCrossNamespaceRefs && isForeign(source)) {
      const expected = `${namespace} or nothing (cross-namespace references are switched off)`;
      add(allForeign ? 'error' : 'warning', at('namespace'), expected, describeFound(source.namespace));
    }
    if (!EVENT_SOURCE_KINDS.includes(source.kind)) {
      const meant = nearest(source.kind, EVENT_SOURCE_KINDS);
      const hint = suggest(meant);
      add('warning', at('kind'), `one of ${EVENT_SOURCE_KINDS.join(', ')}${hint}`, describeFound(source.kind));
    }
    const labelled = Object.keys(source.matchLabels ?? {}).length > 0;
    if (labelled && !context.labelsKnown({ namespace, ...source })) {
      const object = source.name === '*' ? `objects of kind ${source.kind}` : `${source.kind} ${source.name}`;
      const expected = `${object} of namespace ${source.namespace ?? namespace} among the files, to read labels from`;
      add('warning', at('matchLabels'), expected, 'none: not evaluable, selects nothing');
    }
  }

  for (const list of ['inclusionList', 'exclusionList'] as const) {
    for (const [index, expression] of (spec[list] ?? []).entries()) {
      const regexp = goRegexp(expression);
      if (typeof regexp === 'string') {
        add('error', [list, String(index)], 'a regular expression as Go reads it (RE2)', regexp);
      }
    }
  }
  return findings;
}
