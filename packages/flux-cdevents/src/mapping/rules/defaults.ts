import type { SpecVersion } from '../../provider/provider.ts';
import type { Emit, Template } from './mapping-model.ts';

/** The defaults of an event type, for what a rule leaves out. */
export interface EmitDefaults {
  readonly subject: { readonly id: string };
  readonly content: Template;
}

const messageOnFailure = "event.severity == 'error' ? event.message : null";
const url = (version: SpecVersion) => (version === '0.5' ? 'uri' : 'url');

const testRun = (of: string, withType: boolean): EmitDefaults => ({
  subject: { id: 'taskRun.id' },
  content: {
    outcome: 'outcome',
    environment: 'environment',
    [of]: { id: "service.id + '/helm-test'", name: 'taskRun.name', ...(withType && { type: "'integration'" }) },
    reason: messageOnFailure,
  },
});

const serviceIn = (withArtifact: boolean): EmitDefaults => ({
  subject: { id: 'service.id' },
  content: { environment: 'environment', ...(withArtifact && { artifactId: 'artifactId' }) },
});

const incident: EmitDefaults = {
  subject: { id: 'incident.id' },
  content: { description: 'event.message', environment: 'environment', service: 'service', artifactId: 'artifactId' },
};

const table: Readonly<Record<string, (version: SpecVersion) => EmitDefaults>> = {
  'environment.modified': (version) => ({
    subject: { id: 'environment.id' },
    content: { name: 'environment.id', [url(version)]: 'event.metadata.?environmentUrl' },
  }),
  'service.deployed': () => serviceIn(true),
  'service.upgraded': () => serviceIn(true),
  'service.rolledback': () => serviceIn(true),
  'service.removed': () => serviceIn(false),
  'taskrun.finished': (version) => ({
    subject: { id: 'taskRun.id' },
    content: {
      taskName: 'taskRun.name',
      outcome: 'outcome',
      errors: messageOnFailure,
      [url(version)]: 'event.metadata.?url',
    },
  }),
  'testcaserun.finished': () => testRun('testCase', true),
  'testsuiterun.finished': () => testRun('testSuite', false),
  'incident.detected': () => incident,
  'incident.resolved': () => incident,
  'artifact.published': () => ({ subject: { id: 'artifactId' }, content: {} }),
};

/** The defaults of an event type that no preset uses. */
const plain: EmitDefaults = { subject: { id: 'service.id' }, content: {} };

/** A custom event carries the Flux event's own fields. */
const custom: EmitDefaults = {
  subject: { id: 'service.id' },
  content: {
    involvedObject: {
      kind: 'event.involvedObject.kind',
      namespace: 'event.involvedObject.namespace',
      name: 'event.involvedObject.name',
    },
    reason: 'event.reason',
    severity: 'event.severity',
    message: 'event.message',
    metadata: 'event.metadata',
  },
};

/** The full type of a custom event: `dev.cdeventsx.acme-canary.started.0.1.0`. */
export const isCustomType = (type: string): boolean => type.startsWith('dev.cdeventsx.');

/** A rule's CDEvent with every field spelled out: what `mapping show` prints and what is compiled. */
export function withDefaults(emit: Emit, version: SpecVersion): Emit & EmitDefaults {
  const { type, customData, incident } = emit;
  const defaults = isCustomType(type) ? custom : (table[type]?.(version) ?? plain);
  return {
    type,
    subject: { ...defaults.subject, ...emit.subject },
    content: emit.content ?? defaults.content,
    ...(customData && { customData }),
    ...(incident && { incident }),
  };
}
