import { describe, expect, it, vi } from 'vitest';
import { anAlert } from '../../test/helpers/alerts.ts';
import { formatIssue, formatLocation } from '../diagnostics/format.ts';
import type { ConfigMap } from '../flux/config-map.ts';
import type { Provider } from '../flux/provider.ts';
import type { Secret } from '../flux/secret.ts';
import { mappingReader } from '../mapping/file/read-mapping.ts';
import { assembleSnapshot, type ConfigObjects, createAssembler, secretsNeeded } from './assemble.ts';

const aProvider = (
  spec: Partial<Provider['spec']> = {},
  annotations: Provider['metadata']['annotations'] = {},
): Provider => ({
  metadata: { namespace: 'apps', name: 'hub', annotations },
  spec: { type: 'cdevents', address: 'http://hub', secretRef: { name: 'token' }, ...spec },
});
const aSecret = (token: string): Secret => ({
  metadata: { namespace: 'apps', name: 'token' },
  data: { token: Buffer.from(token) },
});
const objects = (overrides: Partial<ConfigObjects>): ConfigObjects => ({
  alerts: [],
  providers: [],
  invalidProviders: [],
  unread: [],
  problems: [],
  noCrossNamespaceRefs: false,
  secret: () => undefined,
  configMap: () => undefined,
  readMapping: mappingReader,
  isUnreadable: () => false,
  labelsKnown: () => true,
  placeOf: () => undefined,
  ...overrides,
});

describe('an assembler', () => {
  it('resolves a Provider again when it or a Secret of it is another one', () => {
    const assemble = createAssembler();
    const hub = (provider: Provider, secret: Secret | undefined) =>
      assemble(objects({ providers: [provider], secret: () => secret })).providers.get('apps/hub');
    const provider = aProvider();
    const secret = aSecret('one');
    const first = hub(provider, secret);
    expect(first).toMatchObject({ status: 'ready' });
    expect(hub(provider, secret)).toBe(first);
    expect(hub(provider, undefined)).toMatchObject({ status: 'invalid' });
    expect(hub(provider, aSecret('two'))).toMatchObject({ endpoint: { authorization: 'Bearer two' } });
    expect(hub(aProvider({ address: 'http://new' }), secret)).toMatchObject({ endpoint: { address: 'http://new' } });
  });

  it('reads a mapping once a change, however many Providers name it', () => {
    const assemble = createAssembler();
    const readMapping = vi.fn(mappingReader);
    const providers = Array.from({ length: 10_000 }, (_, index): Provider => {
      const { spec, metadata } = aProvider({}, { 'cdevents.toolkit.fluxcd.io/mapping': 'rules' });
      return { spec, metadata: { ...metadata, name: `hub-${index}` } };
    });
    // Long enough that to digest it for each Provider would be seen.
    const rules = (preset: string): ConfigMap => ({
      metadata: { namespace: 'apps', name: 'rules' },
      data: { 'mapping.yaml': `preset: ${preset}\n# ${'long '.repeat(30_000)}` },
      binaryKeys: [],
    });
    const secret = aSecret('x');
    const presetsWith = (configMap: ConfigMap | undefined) => {
      const snapshot = assemble(objects({ providers, secret: () => secret, configMap: () => configMap, readMapping }));
      return new Set(
        [...snapshot.providers.values()].map((one) => (one.status === 'ready' ? one.options.preset : one.status)),
      );
    };
    const service = rules('service');
    expect(presetsWith(service)).toEqual(new Set(['service']));
    expect(presetsWith(service)).toEqual(new Set(['service']));
    expect(readMapping).toHaveBeenCalledTimes(1);
    expect(presetsWith(rules('none'))).toEqual(new Set(['none']));
    expect(readMapping).toHaveBeenCalledTimes(2);
    expect(presetsWith(rules('nonsense'))).toEqual(new Set(['invalid']));
    expect(presetsWith(undefined)).toEqual(new Set(['invalid']));
    expect(readMapping).toHaveBeenCalledTimes(3);
  });

  it('blames an Alert while its Provider is missing, and no longer', () => {
    const assemble = createAssembler();
    const alerts = [anAlert({ inclusionList: ['('] })];
    const problems = (more: Partial<ConfigObjects>) =>
      assemble(objects({ alerts, secret: () => aSecret('x'), ...more })).problems.map(formatLocation);
    expect(problems({})).toEqual(['spec.providerRef.name', 'spec.inclusionList[0]']);
    expect(problems({ providers: [aProvider()] })).toEqual(['spec.inclusionList[0]']);
    expect(problems({ isUnreadable: () => true })).toEqual(['spec.inclusionList[0]']);
    expect(problems({ providers: [aProvider({ type: 'slack' })] })).toEqual([]);
    expect(problems({})).toEqual(['spec.providerRef.name', 'spec.inclusionList[0]']);
  });
});

describe('a type that is left to the notification-controller', () => {
  const handledTypes = ['cdevents'] as const;
  const hmac = { type: 'generic-hmac' };
  const webhook = { 'cdevents.toolkit.fluxcd.io/address': 'http://hub' };

  it('is foreign, and its Secrets are not read', () => {
    const { providers, problems } = assembleSnapshot(objects({ providers: [aProvider(hmac)], handledTypes }));
    expect(providers.get('apps/hub')).toEqual({
      status: 'foreign',
      ref: { namespace: 'apps', name: 'hub' },
      type: 'generic-hmac',
    });
    expect(problems.map(formatIssue)).toEqual([]);
    expect(secretsNeeded(aProvider(hmac), handledTypes)).toEqual([]);
    expect(secretsNeeded(aProvider(hmac))).toEqual(['token']);
  });

  it('is not where the webhook needs it', () => {
    const provider = aProvider(hmac, webhook);
    const snapshot = assembleSnapshot(objects({ providers: [provider], handledTypes, secret: () => aSecret('key') }));
    expect(snapshot.providers.get('apps/hub')).toMatchObject({ status: 'ready', webhookOnly: true });
    expect(secretsNeeded(provider, handledTypes)).toEqual(['token']);
  });
});
