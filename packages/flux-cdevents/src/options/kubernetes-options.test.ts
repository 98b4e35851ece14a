import { expect, it } from 'vitest';
import { formatIssue } from '../diagnostics/format.ts';
import type { Issue } from '../diagnostics/issue.ts';
import type { RawOptions } from './flag.ts';
import { resolveKubernetesOptions } from './kubernetes-options.ts';

const resolve = (raw: RawOptions) => {
  const issues: Issue[] = [];
  const options = resolveKubernetesOptions(raw, issues);
  return { options, issues: issues.map(formatIssue) };
};
const defaults = { watchAllNamespaces: true, qps: 50, burst: 300 };

it.each<[string, RawOptions, object | undefined]>([
  ['files mode', {}, undefined],
  ['a switch that is off', { kubernetes: 'false' }, undefined],
  ['--kubernetes', { kubernetes: true }, defaults],
  ['--kubeconfig alone', { kubeconfig: '/k' }, { ...defaults, kubeconfig: '/k' }],
  ['one namespace', { kubernetes: true, watchAllNamespaces: 'false' }, { ...defaults, watchAllNamespaces: false }],
  ['limits', { kubernetes: 'true', kubeApiQps: '12.5', kubeApiBurst: '20' }, { ...defaults, qps: 12.5, burst: 20 }],
])('%s', (_, raw, options) => expect(resolve(raw)).toEqual({ options, issues: [] }));

it('says all that is wrong', () => {
  expect(resolve({ kubernetes: 'yes', watchAllNamespaces: 'no', kubeApiQps: '0', kubeApiBurst: 'x' }).issues).toEqual([
    '--watch-all-namespaces: expected true or false, found no',
    '--kube-api-qps: expected a number over 0, found 0',
    '--kube-api-burst: expected a number over 0, found x',
    '--kubernetes: expected true or false, found yes',
  ]);
});
