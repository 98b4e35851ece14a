import {
  type CDEvent,
  type ContentField,
  contentFields,
  createCustomEvent,
  createUntypedEvent,
  eventNames,
  type SpecVersion,
  specVersions,
  type UntypedEventInput,
} from '../../src/index.ts';

/** Every event of every spec version. */
export const everyEvent: { name: string; specVersion: SpecVersion }[] = specVersions.flatMap((specVersion) =>
  eventNames(specVersion).map((name) => ({ name, specVersion })),
);

const byFieldName: Record<string, string> = {
  artifactId: 'pkg:oci/podinfo@sha256%3A0a1b2c?repository_url=ghcr.io/example',
  description: 'Upgrade failed: timed out waiting for the condition — “retries” exhausted',
  format: 'application/xml',
  signature: 'MEUCIQDx+/==',
  ticketURI: 'https://tickets.example.com/browse/OPS-7',
  uri: 'https://ci.example.com/run/42?step=3#log',
  url: 'https://ci.example.com/run/42',
  viewUrl: 'https://git.example.com/apps/podinfo',
  source: '/clusters/production',
};

function sampleField({ name, kind, values, fields }: ContentField, everyField: boolean): unknown {
  if (kind === 'object') return sampleFields(fields ?? [], everyField);
  if (kind === 'list') return ['first', 'second ünïcode'];
  return values?.[0] ?? byFieldName[name] ?? `some ${name}`;
}

const sampleFields = (fields: readonly ContentField[], everyField: boolean): Record<string, unknown> =>
  Object.fromEntries(
    fields
      .filter(({ required }) => required || everyField)
      .map((field) => [field.name, sampleField(field, everyField)]),
  );

/** Content with every field that the event may have, or with those alone that it must have. */
export const sampleContent = (name: string, specVersion: SpecVersion, everyField = true): Record<string, unknown> =>
  sampleFields(contentFields(name, specVersion) ?? [], everyField);

const fixed = { newId: () => '3f6c1f3e-8d7b-4a55-9a1e-52d1c0de0001', now: () => new Date('2024-05-06T07:08:09.101Z') };

export const sampleLinks: NonNullable<UntypedEventInput['context']['links']> = [
  { linkType: 'PATH', from: { contextId: 'before' }, tags: { lane: 'fast' } },
  { linkType: 'RELATION', linkKind: 'TRIGGER', target: { contextId: 'trigger' } },
  { linkType: 'END', from: { contextId: 'before' } },
];

const traced = {
  chainId: 'chain-1',
  schemaUri: 'https://schemas.example.com/event',
  links: sampleLinks,
};

/** A valid event of our own making: with everything that it may carry, or with nothing that it need not. */
export function aCDEvent(name: string, specVersion: SpecVersion, everyField = true): CDEvent {
  const context = { source: '/flux/helm-controller', ...(everyField && specVersion !== '0.3' && traced) };
  const extras = everyField && {
    customData: { flux: { reason: 'UpgradeSucceeded', nested: [1, 'two', null] } },
    customDataContentType: 'application/json',
  };
  const subject = {
    id: 'apps/podinfo',
    content: sampleContent(name, specVersion, everyField),
    ...(everyField && { source: 'https://clusters.example.com/production' }),
  };
  return createUntypedEvent(name, { context, subject, ...extras }, { specVersion, ...fixed });
}

/** A valid custom event. */
export const aCustomEvent = (specVersion: '0.4' | '0.5'): CDEvent =>
  createCustomEvent(
    'flux-kustomization.progressing',
    {
      context: { source: '/flux', ...traced },
      subject: { id: 'flux-system/apps', content: { message: 'created', nested: { list: ['a', 'b'] } } },
    },
    { specVersion, ...fixed },
  );
