import { type HttpMessage, toHttp } from 'cdevents-sdk';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAlert } from '../../src/flux/parse-alert.ts';
import { parseProvider } from '../../src/flux/parse-provider.ts';
import { matchAlert } from '../../src/match/match-alert.ts';
import { parseProviderOptions } from '../../src/provider/provider-options.ts';
import { eventName } from '../helpers/map-story.ts';
import { type KubernetesObject, type Recipe, readRecipe } from '../helpers/recipe.ts';
import { buildGoProgram, goIsHere } from './go-program.ts';
import { buildJenkinsFilter, javaIsHere, readGenericTrigger } from './jenkins.ts';
import { type Emitted, emittedFrom, recordedEvents } from './recorded-cdevents.ts';

type Environment = 'production' | 'staging';

interface Sent extends Emitted {
  /** What the test calls it: `UpgradeFailed → incident.detected`. */
  readonly title: string;
  readonly request: HttpMessage;
}

/** What the recording becomes by the Provider and the Alert of a recipe; or by theirs in an environment of another name. */
function sentBy({ objects }: Recipe, environment: Environment): Sent[] {
  const renamed = (kind: string): unknown =>
    JSON.parse(JSON.stringify(only(objects, kind)).replaceAll('"production"', JSON.stringify(environment)));
  const provider = parseProvider(renamed('Provider')).value;
  const alert = parseAlert(renamed('Alert')).value;
  if (!provider || !alert) throw new Error('expected a Provider and an Alert');
  const { options } = parseProviderOptions(provider.metadata.annotations);
  const events = recordedEvents.filter((event) => matchAlert(event, alert, undefined).matched);
  return emittedFrom(events, options, alert.spec.eventMetadata).map(({ event, cdevent }) => ({
    event,
    cdevent,
    title: `${event.reason} → ${eventName(cdevent)}`,
    request: toHttp(cdevent, { mode: options.contentMode, extensions: { partitionkey: event.involvedObject.uid } }),
  }));
}

function only(objects: readonly KubernetesObject[], kind: string): KubernetesObject {
  const [found, ...others] = objects.filter((object) => object.kind === kind);
  if (!found || others.length > 0) throw new Error(`expected one ${kind}`);
  return found;
}

/** Asks a receiver's filters of everything that is sent, and says what each lets through: each title once. */
function passedBy<Answer extends { readonly error?: string }>(
  recipe: Recipe,
  environment: Environment,
  ask: (questions: readonly object[]) => Answer[],
  namesOf: (answer: Answer) => readonly string[],
): Record<string, string[]> {
  const sent = sentBy(recipe, environment);
  const answers = ask(sent.map(({ request }) => ({ objects: recipe.objects, ...request })));
  expect(answers.flatMap(({ error }) => error ?? [])).toEqual([]);
  expect(answers).toHaveLength(sent.length);
  const passed = new Map<string, Set<string>>();
  for (const [index, answer] of answers.entries()) {
    for (const name of namesOf(answer)) {
      passed.set(name, (passed.get(name) ?? new Set()).add(sent[index]?.title ?? ''));
    }
  }
  return Object.fromEntries([...passed].map(([name, titles]) => [name, [...titles].sort()]));
}

const titlesOf = (sent: readonly Sent[]) => [...new Set(sent.map(({ title }) => title))].sort();
/** Which of what is sent for production are incidents: with the whole recording two kinds. */
const incidentsOf = (recipe: Recipe) =>
  titlesOf(sentBy(recipe, 'production').filter(({ cdevent }) => eventName(cdevent) === 'incident.detected'));

describe('what the recipes are tried with', () => {
  it('has upgrades that succeeded and failed, and a release that went', () => {
    expect(titlesOf(sentBy(readRecipe('tekton-triggers'), 'production'))).toEqual(
      expect.arrayContaining([
        'InstallSucceeded → service.deployed',
        'UpgradeSucceeded → service.upgraded',
        'UpgradeFailed → taskrun.finished',
        'UpgradeFailed → incident.detected',
        'RollbackSucceeded → service.rolledback',
        'UninstallSucceeded → service.removed',
      ]),
    );
  });
});

describe.skipIf(!goIsHere)('the CEL interceptor of Tekton Triggers', () => {
  interface Answer {
    readonly error?: string;
    readonly started: readonly { trigger: string; resources: readonly PipelineRun[] }[];
    readonly refused: Readonly<Record<string, string>>;
  }
  interface PipelineRun {
    readonly kind: string;
    readonly metadata: { generateName: string; labels?: Record<string, string> };
    readonly spec: { params: readonly { name: string; value: string }[] };
  }
  const recipe = readRecipe('tekton-triggers');
  let ask: (questions: readonly object[]) => Answer[];
  beforeAll(() => {
    ask = buildGoProgram('tekton');
  });
  const namesOf = ({ started }: Answer) => started.map(({ trigger }) => trigger);

  it('lets through what the recipe says', () => {
    expect(passedBy(recipe, 'production', ask, namesOf)).toEqual({
      upgraded: ['UpgradeSucceeded → service.upgraded'],
      incident: incidentsOf(recipe),
    });
  });

  it('lets nothing through from another environment', () =>
    expect(passedBy(recipe, 'staging', ask, namesOf)).toEqual({}));

  it('makes PipelineRuns with the values of the CDEvent', () => {
    const sent = sentBy(recipe, 'production');
    const answers = ask(sent.map(({ request }) => ({ objects: recipe.objects, ...request })));
    for (const [index, { started }] of answers.entries()) {
      const cdevent = sent[index]?.cdevent;
      for (const { resources } of started) {
        const [run] = resources;
        const params = Object.fromEntries(run?.spec.params.map(({ name, value }) => [name, value]) ?? []);
        const { id, content } = cdevent?.subject ?? { id: '', content: {} };
        if (run?.metadata.generateName === 'smoke-test-') {
          expect(params).toEqual({ service: id, artifact: content.artifactId });
          expect(run.metadata.labels).toEqual({ 'cdevents.dev/chain': cdevent?.context.chainId });
        } else {
          expect(params).toMatchObject({ incident: id, description: content.description });
        }
      }
    }
    expect(answers.some(({ started }) => started.length > 0)).toBe(true);
  });

  it('refuses a field that there is not, so that its yes means something', () => {
    const objects = recipe.objects.map((object) => ({ ...object, spce: {} }));
    expect(ask([{ objects, headers: {}, body: '{}' }])).toMatchObject([{ error: expect.stringContaining('spce') }]);
  });
});

describe.skipIf(!goIsHere)('the filters of Knative Eventing', () => {
  interface Answer {
    readonly error?: string;
    readonly passed: Readonly<Record<string, boolean>>;
  }
  const recipe = readRecipe('knative');
  let ask: (questions: readonly object[]) => Answer[];
  beforeAll(() => {
    ask = buildGoProgram('knative');
  });
  const namesOf = ({ passed }: Answer) => Object.keys(passed).filter((name) => passed[name]);

  it('let through what the recipe says', () => {
    expect(passedBy(recipe, 'production', ask, namesOf)).toEqual({
      upgraded: ['UpgradeSucceeded → service.upgraded'],
      incident: incidentsOf(recipe),
      podinfo: [
        'InstallSucceeded → service.deployed',
        'RollbackSucceeded → service.rolledback',
        'UpgradeSucceeded → service.upgraded',
      ],
    });
  });

  it('let nothing through from another cluster', () => expect(passedBy(recipe, 'staging', ask, namesOf)).toEqual({}));

  it('refuse a filter that there is not, so that their yes means something', () => {
    const [trigger] = recipe.objects.filter(({ kind }) => kind === 'Trigger');
    const broken = JSON.parse(JSON.stringify(trigger).replace('"prefix"', '"begins"')) as object;
    expect(ask([{ objects: [broken], headers: {}, body: '{}' }])).toMatchObject([
      { error: expect.stringContaining('begins') },
    ]);
  });
});

describe.skipIf(!goIsHere)('the dependency filters of Argo Events', () => {
  interface Answer {
    readonly error?: string;
    readonly passed: readonly string[];
  }
  const recipe = readRecipe('argo-events');
  let ask: (questions: readonly object[]) => Answer[];
  beforeAll(() => {
    const program = buildGoProgram<object, Answer>('argo');
    ask = (questions) =>
      program(
        questions.map((question) =>
          'body' in question ? { ...question, body: JSON.parse(String(question.body)) as unknown } : question,
        ),
      );
  });
  const namesOf = ({ passed }: Answer) => passed;

  it('let through what the recipe says', () => {
    expect(passedBy(recipe, 'production', ask, namesOf)).toEqual({
      upgraded: ['UpgradeSucceeded → service.upgraded'],
      incident: incidentsOf(recipe),
    });
  });

  it('let nothing through from another environment', () =>
    expect(passedBy(recipe, 'staging', ask, namesOf)).toEqual({}));

  it('refuse a field that there is not, so that their yes means something', () => {
    const broken = JSON.parse(JSON.stringify(only(recipe.objects, 'Sensor')).replace('"exprs"', '"exps"')) as object;
    expect(ask([{ objects: [broken], headers: {}, body: '{}' }])).toMatchObject([
      { error: expect.stringContaining('exps') },
    ]);
  });
});

describe.skipIf(!javaIsHere)("the filter of Jenkins' Generic Webhook Trigger", () => {
  const recipe = readRecipe('jenkins');
  const [smokeTest = '', openTicket = ''] = recipe.groovy;
  let ask: ReturnType<typeof buildJenkinsFilter>;
  beforeAll(() => {
    ask = buildJenkinsFilter();
  });
  const startedIn = (environment: Environment, jenkinsfile: string) => {
    const sent = sentBy(recipe, environment);
    const answers = ask(
      sent.map(({ request: { headers, body } }) => ({ headers, body })),
      readGenericTrigger(jenkinsfile),
    );
    expect(answers).toHaveLength(sent.length);
    return titlesOf(sent.filter((_, index) => answers[index]));
  };

  it('starts the jobs that the recipe says', () => {
    expect(startedIn('production', smokeTest)).toEqual(['UpgradeSucceeded → service.upgraded']);
    expect(startedIn('production', openTicket)).toEqual(incidentsOf(recipe));
  });

  it('starts nothing for another environment', () => {
    expect(startedIn('staging', smokeTest)).toEqual([]);
    expect(startedIn('staging', openTicket)).toEqual([]);
  });
});
