import {
  changed05,
  closed,
  type Fields,
  oneOf,
  open,
  optional,
  reference,
  since04,
  since05,
  suggested,
  suggestedWord,
  testReference,
  text,
  texts,
  until04,
  uri,
  uriReference,
  word,
} from './fields.ts';

/*
 * Every event type of CDEvents 0.3.0, 0.4.1 and 0.5.1. A row holds the subject's type, the version of the event type in
 * each of the three (`none` where it does not exist), and the content. Types and validators are derived from this table.
 */

const none = null;

const row = <
  S extends string,
  const T extends readonly [string | null, string | null, string | null],
  F extends Fields,
>(
  subjectType: S,
  typeVersions: T,
  content: F,
) => ({ subjectType, typeVersions, content });

// parts that several events share
const inRepository = { repository: optional(reference) };
const sbom = closed({ uri: uriReference });
const link = { url: until04(optional(text)), uri: since05(optional(uri)) }; // a `uri` has to be an absolute URI, a `url` was any text
const requiredLink = { url: until04(text), uri: since05(uri) };
const inEnvironment = { environment: reference, artifactId: word };
const incident = {
  description: optional(text),
  environment: reference,
  service: optional(reference),
  artifactId: optional(word),
};
const repository = {
  name: optional(text),
  owner: optional(text),
  ...link,
  viewUrl: changed05(optional(text), optional(uri)),
};

// the test events: their outcomes were renamed in 0.5
const testOutcome = changed05(oneOf('pass', 'fail', 'cancel', 'error'), oneOf('success', 'failure', 'cancel', 'error'));
const verdict = {
  outcome: testOutcome,
  severity: optional(oneOf('low', 'medium', 'high', 'critical')),
  reason: optional(text),
};
const trigger = optional(
  open({ type: optional(oneOf('manual', 'pipeline', 'event', 'schedule', 'other')), uri: optional(uri) }),
);
const testCase = optional(
  closed({
    id: word,
    version: optional(text),
    name: optional(text),
    type: optional(oneOf('performance', 'functional', 'unit', 'security', 'compliance', 'integration', 'e2e', 'other')),
    uri: optional(uri),
  }),
);
const named = { id: word, version: optional(text), name: optional(text) };
const testSuite = optional(closed({ ...named, uri: optional(uri) }));
const testSuiteWithUrl = optional(closed({ ...named, url: optional(uri) })); // `queued` alone, and before 0.5
const testSuiteRun = optional(testReference);

const ticket = {
  ticketType: optional(suggested('bug', 'enhancement', 'incident', 'task', 'question')),
  group: optional(text),
  assignees: optional(texts),
  priority: optional(suggested('low', 'medium', 'high')),
  labels: optional(texts),
  milestone: optional(text),
  uri: uriReference,
};

/** The vocabulary: event name → its row. */
export const vocabulary = {
  'artifact.deleted': row('artifact', [none, '0.1.0', '0.2.0'], { user: optional(word) }),
  'artifact.downloaded': row('artifact', [none, '0.1.0', '0.2.0'], { user: optional(word) }),
  'artifact.packaged': row('artifact', ['0.1.1', '0.2.0', '0.3.0'], {
    change: reference,
    sbom: since04(optional(sbom)),
  }),
  'artifact.published': row('artifact', ['0.1.1', '0.2.0', '0.3.0'], {
    sbom: since04(optional(sbom)),
    user: since04(optional(word)),
  }),
  'artifact.signed': row('artifact', ['0.1.0', '0.2.0', '0.3.0'], { signature: word }),

  'branch.created': row('branch', ['0.1.2', '0.2.0', '0.3.0'], inRepository),
  'branch.deleted': row('branch', ['0.1.2', '0.2.0', '0.3.0'], inRepository),

  'build.queued': row('build', ['0.1.1', '0.2.0', '0.3.0'], {}),
  'build.started': row('build', ['0.1.1', '0.2.0', '0.3.0'], {}),
  'build.finished': row('build', ['0.1.1', '0.2.0', '0.3.0'], { artifactId: optional(text) }),

  'change.created': row('change', ['0.1.2', '0.3.0', '0.4.0'], {
    description: since04(optional(word)),
    ...inRepository,
  }),
  'change.updated': row('change', ['0.1.2', '0.2.0', '0.3.0'], inRepository),
  'change.reviewed': row('change', ['0.1.2', '0.2.0', '0.3.0'], inRepository),
  'change.merged': row('change', ['0.1.2', '0.2.0', '0.3.0'], inRepository),
  'change.abandoned': row('change', ['0.1.2', '0.2.0', '0.3.0'], inRepository),

  'environment.created': row('environment', ['0.1.1', '0.2.0', '0.3.0'], { name: optional(text), ...link }),
  'environment.modified': row('environment', ['0.1.1', '0.2.0', '0.3.0'], { name: optional(text), ...link }),
  'environment.deleted': row('environment', ['0.1.1', '0.2.0', '0.3.0'], { name: optional(text) }),

  'incident.detected': row('incident', ['0.1.0', '0.2.0', '0.3.0'], incident),
  'incident.reported': row('incident', ['0.1.0', '0.2.0', '0.3.0'], { ...incident, ticketURI: uri }),
  'incident.resolved': row('incident', ['0.1.0', '0.2.0', '0.3.0'], incident),

  'pipelinerun.queued': row('pipelineRun', ['0.1.1', '0.2.0', '0.3.0'], { pipelineName: optional(text), ...link }),
  'pipelinerun.started': row('pipelineRun', ['0.1.1', '0.2.0', '0.3.0'], { pipelineName: text, ...requiredLink }),
  'pipelinerun.finished': row('pipelineRun', ['0.1.1', '0.2.0', '0.3.0'], {
    pipelineName: optional(text),
    ...link,
    outcome: changed05(optional(text), optional(oneOf('success', 'failure', 'cancel', 'error'))),
    errors: optional(text),
  }),

  'repository.created': row('repository', ['0.1.1', '0.2.0', '0.3.0'], {
    ...repository,
    name: word,
    url: until04(word),
    uri: since05(uri),
  }),
  'repository.modified': row('repository', ['0.1.1', '0.2.0', '0.3.0'], repository),
  'repository.deleted': row('repository', ['0.1.1', '0.2.0', '0.3.0'], repository),

  'service.deployed': row('service', ['0.1.1', '0.2.0', '0.3.0'], inEnvironment),
  'service.upgraded': row('service', ['0.1.1', '0.2.0', '0.3.0'], inEnvironment),
  'service.rolledback': row('service', ['0.1.1', '0.2.0', '0.3.0'], inEnvironment),
  'service.published': row('service', ['0.1.1', '0.2.0', '0.3.0'], { environment: optional(reference) }),
  'service.removed': row('service', ['0.1.1', '0.2.0', '0.3.0'], { environment: optional(reference) }),

  'taskrun.started': row('taskRun', ['0.1.1', '0.2.0', '0.3.0'], {
    taskName: optional(text),
    ...link,
    pipelineRun: optional(reference),
  }),
  'taskrun.finished': row('taskRun', ['0.1.1', '0.2.0', '0.3.0'], {
    taskName: optional(text),
    ...link,
    pipelineRun: optional(reference),
    outcome: optional(text),
    errors: optional(text),
  }),

  'testcaserun.queued': row('testCaseRun', ['0.1.0', '0.2.0', '0.3.0'], {
    trigger,
    environment: reference,
    testSuiteRun,
    testCase,
  }),
  'testcaserun.started': row('testCaseRun', ['0.1.0', '0.2.0', '0.3.0'], {
    trigger,
    environment: reference,
    testSuiteRun,
    testCase,
  }),
  'testcaserun.finished': row('testCaseRun', ['0.1.0', '0.2.0', '0.3.0'], {
    ...verdict,
    environment: reference,
    testSuiteRun,
    testCase,
  }),
  'testcaserun.skipped': row('testCaseRun', [none, '0.1.0', '0.2.0'], {
    reason: optional(text),
    environment: optional(reference),
    testSuiteRun,
    testCase,
  }),
  'testoutput.published': row('testOutput', ['0.1.0', '0.2.0', '0.3.0'], {
    outputType: oneOf('report', 'video', 'image', 'log', 'other'),
    format: text,
    uri: optional(uri),
    testCaseRun: optional(testReference),
  }),
  'testsuiterun.queued': row('testSuiteRun', ['0.1.0', '0.2.0', '0.3.0'], {
    trigger,
    environment: reference,
    testSuite: changed05(testSuiteWithUrl, testSuite),
  }),
  'testsuiterun.started': row('testSuiteRun', ['0.1.0', '0.2.0', '0.3.0'], {
    trigger,
    environment: reference,
    testSuite,
  }),
  'testsuiterun.finished': row('testSuiteRun', ['0.1.0', '0.2.0', '0.3.0'], {
    ...verdict,
    environment: reference,
    testSuite,
  }),

  'ticket.created': row('ticket', [none, '0.1.0', '0.2.0'], { ...ticket, summary: text, creator: word }),
  'ticket.updated': row('ticket', [none, '0.1.0', '0.2.0'], {
    ...ticket,
    summary: optional(text),
    creator: optional(word),
    updatedBy: optional(text),
  }),
  'ticket.closed': row('ticket', [none, '0.1.0', '0.2.0'], {
    ...ticket,
    summary: optional(text),
    creator: optional(word),
    updatedBy: optional(text),
    resolution: suggestedWord('completed', 'withdrawn', 'duplicate'),
  }),
} as const;

/** The subjects whose `context.source` and `subject.source` need not be URI-references, in every spec version. */
export const freeSourceSubjects: ReadonlySet<string> = new Set(['testCaseRun', 'testOutput', 'testSuiteRun']);

/** 0.5 dropped `subject.type`, but still lets this event carry it. */
export const optionalSubjectTypeIn05 = 'ticket.closed';
