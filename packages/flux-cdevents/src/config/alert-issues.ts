import { describeFound } from '../diagnostics/describe.ts';
import { createIssue, createWarning, type Issue } from '../diagnostics/issue.ts';
import { didYouMean } from '../diagnostics/words.ts';
import { type Alert, type EventSource, hasMatchLabels } from '../flux/alert.ts';
import { EVENT_SOURCE_KINDS } from '../flux/crd-enums.ts';
import type { NamespacedName } from '../flux/object-ref.ts';
import { goRegexp } from '../lib/go-regexp.ts';

/** What an Alert is checked against. */
export interface AlertContext {
  readonly noCrossNamespaceRefs: boolean;
  providerExists(provider: NamespacedName): boolean;
  /** Whether `matchLabels` of this source can be evaluated at all. */
  labelsKnown(source: Required<Pick<EventSource, 'kind' | 'namespace' | 'name'>>): boolean;
}

/** What is wrong with an Alert that is well-formed. */
export function alertIssues({ metadata, spec }: Alert, context: AlertContext): readonly Issue[] {
  const { namespace } = metadata;
  const issues: Issue[] = [];

  const { name } = spec.providerRef;
  if (!context.providerExists({ namespace, name })) {
    const expected = `the name of a Provider in namespace ${namespace}`;
    const found = `${describeFound(name)}, which does not exist`;
    issues.push(createIssue('not-found', ['spec', 'providerRef', 'name'], expected, found));
  }

  if (spec.eventSources.length === 0) {
    issues.push(createWarning('no-effect', ['spec', 'eventSources'], 'one or more sources', 'an empty list'));
  }
  const isForeign = (source: EventSource) => source.namespace !== undefined && source.namespace !== namespace;
  const createForeign = spec.eventSources.every(isForeign) ? createIssue : createWarning;
  for (const [index, source] of spec.eventSources.entries()) {
    const at = (field: string) => ['spec', 'eventSources', index, field];
    if (context.noCrossNamespaceRefs && isForeign(source)) {
      const expected = `${namespace} or nothing (cross-namespace references are switched off)`;
      issues.push(createForeign('conflict', at('namespace'), expected, describeFound(source.namespace)));
    }
    if (!EVENT_SOURCE_KINDS.includes(source.kind)) {
      const expected = `one of ${EVENT_SOURCE_KINDS.join(', ')}${didYouMean(source.kind, EVENT_SOURCE_KINDS)}`;
      issues.push(createWarning('invalid-value', at('kind'), expected, describeFound(source.kind)));
    }
    if (hasMatchLabels(source) && !context.labelsKnown({ namespace, ...source })) {
      const object = source.name === '*' ? `objects of kind ${source.kind}` : `${source.kind} ${source.name}`;
      const expected = `${object} of namespace ${source.namespace ?? namespace} among the files, to read labels from`;
      const found = 'none, so matchLabels selects nothing';
      issues.push(createWarning('not-found', at('matchLabels'), expected, found));
    }
  }

  for (const list of ['inclusionList', 'exclusionList'] as const) {
    for (const [index, expression] of (spec[list] ?? []).entries()) {
      const regexp = goRegexp(expression);
      if (typeof regexp !== 'string') continue;
      const expected = 'a regular expression in the syntax of Go (RE2)';
      issues.push(createIssue('invalid-value', ['spec', list, index], expected, regexp));
    }
  }
  return issues;
}
