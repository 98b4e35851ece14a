import { afterEach, beforeEach, expect, it } from 'vitest';
import { aMappingObject } from '../fixtures/notifications.ts';
import { cdeventIn, type Scene, startScene } from '../scene.ts';
import { describeOnCluster, sharedCluster } from '../suite.ts';
import { eventually } from '../wait.ts';

const NAMESPACE = 'mapping';
const rulesFor = (type: string) => `preset: service
rules:
  - name: mine
    match: event.reason == 'UpgradeSucceeded'
    emit:
      - type: ${type}
`;
const rules = (text: string) => aMappingObject({ name: 'rules', namespace: NAMESPACE }, text);

describeOnCluster('a mapping in a ConfigMap', () => {
  let scene: Scene;
  let touched = 0;
  /** Applies the rules, and the Provider again so that they are read at once. */
  const applyRules = async (text: string) => {
    await scene.admin.apply([rules(text)]);
    await scene.applyProvider({ timeout: `${++touched + 10}s` }, { mapping: 'rules' });
  };
  const types = () => scene.receiver.requests.map((request) => cdeventIn(request).context.type);
  const typesOf = (count: number) => scene.receiver.received(count).then(types);
  const hub = async () => (await scene.providers()).find(({ name }) => name === 'hub');
  const issues = async () => (await hub())?.issues ?? [];
  const ready = () => eventually(async () => expect((await hub())?.status).toBe('ready'));

  beforeEach(async () => {
    scene = await startScene({ admin: sharedCluster(), namespace: NAMESPACE });
    await applyRules(rulesFor('environment.modified'));
    await scene.applyAlert('all');
    await scene.settled('all');
    await ready();
  });
  afterEach(async () => {
    await scene.admin.clear('v1', 'ConfigMap', NAMESPACE);
    await scene.close();
  });

  it('comes before the preset that it names', async () => {
    await scene.post();
    await scene.post({ reason: 'InstallSucceeded' });
    expect((await typesOf(2)).sort()).toEqual([
      'dev.cdevents.environment.modified.0.2.0',
      'dev.cdevents.service.deployed.0.2.0',
    ]);
    expect(await hub()).toMatchObject({ options: { mapping: 'rules', preset: 'service', specVersion: '0.4' } });
  });

  it('is changed, broken and repaired: events wait for it', async () => {
    await applyRules(rulesFor('service.upgraded'));
    await eventually(async () => {
      await scene.post();
      expect((await typesOf(1)).at(-1)).toBe('dev.cdevents.service.upgraded.0.2.0');
    });

    await applyRules(rulesFor('service.upgradet'));
    await eventually(async () =>
      expect(await issues()).toEqual([
        {
          code: 'invalid-value',
          path: 'ConfigMap rules: mapping.yaml:6:15: rules[0].emit[0].type',
          expected: expect.stringContaining('did you mean service.upgraded?'),
          found: '"service.upgradet"',
        },
      ]),
    );
    const { name } = await scene.post();
    const waiting = async () => (await scene.controller.deliveries()).filter(({ state }) => state === 'waiting');
    await eventually(async () => expect(await waiting()).toMatchObject([{ type: 'unmapped' }]));

    await applyRules(rulesFor('environment.modified'));
    const repaired = await eventually(() => {
      const found = scene.receiver.requests.map(cdeventIn).find(({ customData }) => objectOf(customData) === name);
      expect(found).toBeDefined();
      return found;
    });
    expect(repaired?.context.type).toBe('dev.cdevents.environment.modified.0.2.0');
    await eventually(async () => expect(await waiting()).toEqual([]));
  });

  it('that does not exist makes events wait until it does', async () => {
    await scene.admin.delete(rules(''));
    await scene.applyProvider({ timeout: '9s' }, { mapping: 'rules' });
    await eventually(async () => expect((await issues())[0]?.found).toContain('does not exist or cannot be read'));
    await scene.post();
    await scene.admin.apply([rules(rulesFor('service.upgraded'))]);
    expect(await typesOf(1)).toEqual(['dev.cdevents.service.upgraded.0.2.0']);
  });
});

const objectOf = (customData: unknown) =>
  (customData as { readonly flux: { readonly involvedObject: { readonly name: string } } }).flux.involvedObject.name;
