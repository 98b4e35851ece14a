import { describe, expect, it } from 'vitest';
import { anAlert } from '../../test/helpers/alerts.ts';
import { formatFault } from '../diagnostics/format.ts';
import type { Alert } from '../flux/alert.ts';
import { type AlertContext, alertIssues } from './alert-issues.ts';

const findingsOf = (spec: Partial<Alert['spec']>, context: Partial<AlertContext> = {}) =>
  alertIssues(anAlert(spec), {
    noCrossNamespaceRefs: false,
    providerExists: ({ namespace, name }) => namespace === 'apps' && name === 'hub',
    labelsKnown: () => false,
    ...context,
  }).map((issue) => `${issue.severity}: ${formatFault(issue)}`);

const elsewhere = { kind: 'HelmRelease', name: '*', namespace: 'infra' };

describe('alertIssues', () => {
  it('finds nothing wrong with a good Alert', () => {
    expect(findingsOf({ inclusionList: ['(?i)fail'], eventSources: [elsewhere] })).toEqual([]);
  });

  it.each<[string, Partial<Alert['spec']>, string]>([
    [
      'a Provider that does not exist',
      { providerRef: { name: 'hbu' } },
      'error: spec.providerRef.name: expected the name of a Provider in namespace apps, found "hbu", which does not exist',
    ],
    [
      'an inclusion that does not compile',
      { inclusionList: ['ok', '(?=x)'] },
      'error: spec.inclusionList[1]: expected a regular expression in the syntax of Go (RE2), found invalid or unsupported Perl syntax: `(?=`',
    ],
    [
      'an exclusion that does not compile',
      { exclusionList: ['('] },
      'error: spec.exclusionList[0]: expected a regular expression in the syntax of Go (RE2), found missing closing ): `(`',
    ],
    [
      'no sources',
      { eventSources: [] },
      'warning: spec.eventSources: expected one or more sources, found an empty list',
    ],
    [
      'labels of objects that are not there',
      { eventSources: [{ kind: 'HelmRelease', name: '*', matchLabels: { a: 'b' } }] },
      'warning: spec.eventSources[0].matchLabels: expected objects of kind HelmRelease of namespace apps among the files, to read labels from, found none, so matchLabels selects nothing',
    ],
    [
      'labels of an object that is not there',
      { eventSources: [{ ...elsewhere, name: 'x', matchLabels: { a: 'b' } }] },
      'warning: spec.eventSources[0].matchLabels: expected HelmRelease x of namespace infra among the files, to read labels from, found none, so matchLabels selects nothing',
    ],
  ])('finds %s', (_, spec, message) => expect(findingsOf(spec)).toEqual([message]));

  it('hints at the kind that was meant', () => {
    expect(findingsOf({ eventSources: [{ kind: 'HelmRelese', name: '*' }] })).toEqual([
      expect.stringMatching(
        /^warning: spec\.eventSources\[0\]\.kind: expected one of .*mean HelmRelease\?\), found "HelmRelese"$/,
      ),
    ]);
  });

  it('is content with labels that can be read', () => {
    const eventSources = [{ kind: 'HelmRelease', name: '*', matchLabels: { a: 'b' } }];
    expect(findingsOf({ eventSources }, { labelsKnown: () => true })).toEqual([]);
  });

  it('takes sources of other namespaces for an error when nothing else is left', () => {
    const context = { noCrossNamespaceRefs: true };
    const message =
      'spec.eventSources[0].namespace: expected apps or nothing (cross-namespace references are switched off), found "infra"';
    expect(findingsOf({ eventSources: [elsewhere] }, context)).toEqual([`error: ${message}`]);
    expect(findingsOf({ eventSources: [elsewhere, { kind: 'HelmRelease', name: '*' }] }, context)).toEqual([
      `warning: ${message}`,
    ]);
    expect(findingsOf({ eventSources: [{ ...elsewhere, namespace: 'apps' }] }, context)).toEqual([]);
  });
});
