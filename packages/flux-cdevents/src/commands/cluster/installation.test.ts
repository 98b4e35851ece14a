import { describe, expect, it } from 'vitest';
import { aProvider } from '../../../test/helpers/providers.ts';
import { toRecord } from '../../diagnostics/format.ts';
import type { IssueCode } from '../../diagnostics/issue.ts';
import type { ResolvedProvider } from '../../provider/provider.ts';
import { argOf, type Deployment, type Installation, installationFindings, settingsOf } from './installation.ts';

const aDeployment = (name: string, args: readonly string[], ready = 1): Deployment => ({
  metadata: { name },
  spec: { replicas: 1, template: { spec: { containers: [{ args }] } } },
  status: { readyReplicas: ready },
});
const HERE = '--events-addr=http://flux-cdevents.flux-system.svc.cluster.local./';
const THERE = '--events-addr=http://notification-controller.flux-system.svc.cluster.local./';
const FORWARD = '--forward-to=http://notification-controller.flux-system.svc.cluster.local./';
const ours = aDeployment('flux-cdevents', ['serve', '--kubernetes']);
const slack: ResolvedProvider = { status: 'foreign', ref: { namespace: 'apps', name: 'slack' }, type: 'slack' };
const webhook = aProvider({ webhookOnly: true });

const findingsOf = (overrides: Partial<Installation>) =>
  installationFindings({
    namespace: 'flux-system',
    deployments: [ours, aDeployment('helm-controller', [THERE, HERE])],
    service: true,
    providers: [],
    ...overrides,
  });
const textsOf = (overrides: Partial<Installation>) =>
  findingsOf(overrides).map((finding) => {
    if (finding.result === 'ok') return finding.text;
    const { object, path, found } = toRecord(finding.issue);
    return `${finding.result}: ${object}: ${path}: ${found}`;
  });

describe('installationFindings', () => {
  it('tells the three ways in', () => {
    expect(textsOf({})).toEqual([
      'Deployment flux-system/flux-cdevents: ready',
      'events come by the event endpoint alone: helm-controller post to flux-cdevents',
    ]);
    const forwarding = [aDeployment('flux-cdevents', [FORWARD]), aDeployment('helm-controller', [HERE])];
    expect(textsOf({ deployments: forwarding, providers: [slack] })[1]).toMatch(/^events come by forward: /);
    const stock = [ours, aDeployment('helm-controller', [THERE])];
    expect(textsOf({ deployments: stock, providers: [webhook] })[1]).toMatch(/^events come by the webhook: /);
  });

  it('misses events for Providers of type cdevents', () => {
    const deployments = [ours, aDeployment('helm-controller', [HERE, THERE])];
    const found = expect.stringMatching(
      /^error: Deployment flux-system\/helm-controller: --events-addr: http:\/\/notification-.* Provider flux-system\/hub of type cdevents gets no events$/,
    );
    expect(textsOf({ deployments, providers: [aProvider()] })).toContainEqual(found);
    expect(textsOf({ deployments, providers: [aProvider(), webhook] })).toContainEqual(found);
    expect(textsOf({ deployments, providers: [slack] })[1]).toMatch(/^warning: .* no event comes here$/);
  });

  it('sees a controller that posts elsewhere than the others', () => {
    const deployments = [ours, aDeployment('helm-controller', [HERE]), aDeployment('source-controller', [THERE])];
    expect(textsOf({ deployments })[2]).toMatch(/^warning: Deployment flux-system\/source-controller: --events-addr: /);
  });

  it('sees Providers of other types that get nothing any more', () => {
    expect(textsOf({ providers: [slack] })[2]).toBe(
      'warning: Deployment flux-system/flux-cdevents: --forward-to: nothing: Provider apps/slack gets no events any more',
    );
  });

  it.each([
    ['is not there', [], 'error: Deployment flux-system/flux-cdevents: metadata.name: none'],
    [
      'is not ready',
      [aDeployment('flux-cdevents', [], 0)],
      'error: Deployment flux-system/flux-cdevents: status.readyReplicas: 0',
    ],
    [
      'is scaled',
      [{ ...ours, spec: { replicas: 2 } }],
      'error: Deployment flux-system/flux-cdevents: spec.replicas: 2',
    ],
  ])('sees that our Deployment %s', (_, deployments, line) => {
    expect(textsOf({ deployments })[0]).toBe(line);
  });

  it.each<[string, Partial<Installation>, IssueCode[]]>([
    ['nothing is installed', { deployments: [], service: false }, ['not-found', 'not-found', 'not-found']],
    ['a number is wrong', { deployments: [{ ...ours, spec: { replicas: 2 } }] }, ['invalid-value', 'not-found']],
    ['addresses differ', { deployments: [ours, aDeployment('helm-controller', [THERE])] }, ['conflict']],
    ['a flag is missing', { providers: [slack] }, ['missing']],
  ])('has a code for each fault when %s', (_, overrides, codes) => {
    expect(findingsOf(overrides).flatMap((one) => (one.result === 'ok' ? [] : one.issue.code))).toEqual(codes);
  });

  it('knows the names of a Helm release', () => {
    const labels = { 'app.kubernetes.io/part-of': 'flux-cdevents' };
    const release = { ...ours, metadata: { name: 'eu-flux-cdevents', labels } };
    const address = '--events-addr=http://eu-flux-cdevents.flux-system/';
    expect(textsOf({ deployments: [release, aDeployment('helm-controller', [address])] })).toEqual([
      'Deployment flux-system/eu-flux-cdevents: ready',
      'events come by the event endpoint alone: helm-controller post to flux-cdevents',
    ]);
  });

  it('sees TLS on one side only', () => {
    const tls = aDeployment('flux-cdevents', ['--events-tls-cert=/tls.crt']);
    const deployments = [tls, aDeployment('helm-controller', [HERE])];
    expect(textsOf({ deployments })[2]).toMatch(
      /^error: Deployment flux-system\/helm-controller: --events-addr: http:/,
    );
    const secure = aDeployment('helm-controller', [HERE.replace('http:', 'https:')]);
    expect(textsOf({ deployments: [tls, secure] })).toHaveLength(2);
  });

  it('sees that the Service or Flux is not there', () => {
    expect(textsOf({ service: false, deployments: [ours] }).slice(1)).toEqual([
      'error: Service flux-system/flux-cdevents: metadata.name: none',
      'warning: Namespace flux-system: Deployments: none',
    ]);
  });
});

describe('settingsOf', () => {
  it('reads the arguments as the controller does: the last one counts', () => {
    expect(argOf(aDeployment('a', ['--x=1', '--x', '2', '--y']), 'x')).toBe('2');
    expect(argOf(aDeployment('a', ['--x=1', '--x', '--y']), 'x')).toBe('true');
    const args = [FORWARD, '--watch-all-namespaces=false', '--no-cross-namespace-refs', '--events-auth=token-review'];
    expect(settingsOf(aDeployment('flux-cdevents', args))).toEqual({
      forwards: true,
      tokenReview: true,
      tls: false,
      watchAllNamespaces: false,
      noCrossNamespaceRefs: true,
    });
    expect(settingsOf(undefined)).toEqual({
      forwards: false,
      tokenReview: false,
      tls: false,
      watchAllNamespaces: true,
      noCrossNamespaceRefs: false,
    });
  });
});
