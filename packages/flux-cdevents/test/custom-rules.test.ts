import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aFluxEvent } from './helpers/flux-events.ts';
import { cdeventsOf, eventName, mapStory } from './helpers/map-story.ts';
import { aProvider } from './helpers/providers.ts';
import { type StoreScene, startStoreScene } from './helpers/store-scene.ts';

const NOW = Date.parse('2026-11-24T08:00:00Z');
const mapping = (text: string) => ({ name: 'rules', text });
const helmRelease = "event.involvedObject.kind == 'HelmRelease'";

/** `taskrun.finished`, or the rule and reason that a dead letter would have. */
const mapped = (text: string, event = aFluxEvent()) =>
  mapStory([event], { mapping: mapping(text), preset: 'service' }).flatMap(({ cdevents }) =>
    cdevents.map((one) => ('cdevent' in one ? eventName(one.cdevent) : one.error)),
  );

describe('rules of a mapping', () => {
  it.each<[string, string, readonly string[]]>([
    [
      'come before those of the preset',
      `rules: [{name: mine, match: "${helmRelease}", emit: [{type: environment.modified}]}]`,
      ['environment.modified'],
    ],
    [
      'leave to the preset what they do not match',
      `rules: [{name: mine, match: "event.reason == 'InstallSucceeded'", emit: [{type: environment.modified}]}]`,
      ['service.upgraded'],
    ],
    ['leave an event alone on purpose', `rules: [{name: quiet, match: "${helmRelease}", emit: []}]`, []],
    [
      'make several CDEvents',
      `rules: [{name: two, match: "${helmRelease}", emit: [{type: service.upgraded}, {type: environment.modified}]}]`,
      ['service.upgraded', 'environment.modified'],
    ],
    [
      'make custom events',
      `rules: [{name: own, match: "${helmRelease}", emit: [{type: dev.cdeventsx.acme-canary.started.1.2.3}]}]`,
      ['acme-canary.started'],
    ],
    [
      'count only when they are enabled, if they are optional',
      `{enable: [on], rules: [
        {name: a, optional: off, match: "${helmRelease}", emit: [{type: environment.modified}]},
        {name: b, optional: on, match: "${helmRelease} && true", emit: [{type: taskrun.finished}]}]}`,
      ['taskrun.finished'],
    ],
    [
      'say so when they fail',
      `rules: [{name: ticket, match: "event.metadata['ticket'] != ''", emit: []}]`,
      [expect.stringMatching(/^rule ticket: match: No such key: ticket/)],
    ],
    [
      'fail one CDEvent at a time',
      `rules: [{name: two, match: "${helmRelease}", emit: [
        {type: service.upgraded, customData: {team: "event.metadata['team']"}}, {type: environment.modified}]}]`,
      [expect.stringMatching(/^rule two: customData.team: No such key: team/), 'environment.modified'],
    ],
  ])('%s', (_, text, expected) => expect(mapped(text)).toEqual(expected));

  it('fill in subject, content and customData', () => {
    const text = `
rules:
  - name: quota
    match: ${helmRelease}
    emit:
      - type: incident.detected
        subject: {id: "service.id + '/quota'", source: "'https://quota.example/' + cluster"}
        content: {description: "event.message + '!'", environment: {id: "'prod'"}, artifactId: artifactId}
        customData: {runbook: "'https://runbooks.example/' + event.reason", attempt: release.version, none: "event.?action"}
`;
    const [cdevent] = mapStory([aFluxEvent()], { mapping: mapping(text), cluster: 'eu-1' }).flatMap(cdeventsOf);
    expect(cdevent?.subject).toMatchObject({
      id: 'apps/podinfo/quota',
      source: 'https://quota.example/eu-1',
      content: {
        description: `${aFluxEvent().message}!`,
        environment: { id: 'prod' },
        artifactId: 'pkg:helm/podinfo@6.5.1',
      },
    });
    const { flux: _, ...customData } = (cdevent?.customData ?? {}) as Record<string, unknown>;
    expect(customData).toEqual({ runbook: 'https://runbooks.example/UpgradeSucceeded', attempt: 2 });
  });

  it.each(['0.3', '0.4', '0.5'] as const)('are those of the preset in %s, too', (specVersion) => {
    const text = `rules: [{name: mine, match: "event.reason == 'InstallSucceeded'", emit: [{type: service.deployed}]}]`;
    const events = [aFluxEvent({ reason: 'InstallSucceeded' })];
    const withoutRule = mapStory(events, { specVersion, preset: 'service' }).flatMap(cdeventsOf);
    expect(mapStory(events, { specVersion, mapping: mapping(text) }).flatMap(cdeventsOf)).toEqual(withoutRule);
  });
});

describe('a rule that fails', () => {
  let scene: StoreScene;
  beforeEach(async () => {
    scene = await startStoreScene(NOW);
  });
  afterEach(() => scene.close());

  const withRules = (text: string) => aProvider({ options: { preset: 'service', mapping: mapping(text) } });

  const broken = `rules: [{name: ticket, match: "event.metadata['ticket'] == 'T-1'", emit: [{type: environment.modified}]}]`;
  const repaired = broken.replace("['ticket']", "[?'ticket'].orValue('')");
  const withTicket = aFluxEvent({
    reason: 'InstallSucceeded',
    metadata: { 'event.toolkit.fluxcd.io/ticket': 'T-1' },
  });

  it('makes its event a dead letter that says which and why, and nothing else stops', async () => {
    const { accept } = scene.pipeline(withRules(broken));
    expect(await accept(aFluxEvent())).toEqual({ status: 'stored' });
    expect(await accept(withTicket)).toEqual({ status: 'stored' });
    expect(await scene.entries()).toMatchObject([
      { state: 'dead-letter', kind: 'cdevent', lastError: expect.stringMatching(/^rule ticket: match: No such key/) },
      { state: 'pending', type: 'dev.cdevents.environment.modified.0.2.0' },
    ]);
  });

  it('is repaired, and its event replayed', async () => {
    await scene.pipeline(withRules(broken)).accept(aFluxEvent());
    await scene.outbox.replay({}, { maxAgeMs: 60_000, remap: true });
    const { mapWaiting } = scene.pipeline(withRules(repaired));
    for (const entry of await scene.claim()) await mapWaiting(entry);
    expect(await scene.entries()).toMatchObject([{ state: 'pending', type: 'dev.cdevents.service.upgraded.0.2.0' }]);
  });

  it('may not take longer than others have patience', async () => {
    const lines = "event.message.split('\\n')";
    const greedy = `${lines}.all(a, ${lines}.all(b, ${lines}.all(c, a + b + c != 'x')))`;
    const { accept } = scene.pipeline(withRules(`rules: [{name: greedy, match: ${JSON.stringify(greedy)}, emit: []}]`));
    const before = process.threadCpuUsage();
    await accept(aFluxEvent({ message: 'line\n'.repeat(7_000) }));
    // Flux's recorder waits 5 s. Only the work of this thread counts, whatever else the machine does.
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2_000);
    expect(await scene.entries()).toMatchObject([
      { state: 'dead-letter', lastError: expect.stringMatching(/^rule greedy: match: costs more than/) },
    ]);
  });
});
