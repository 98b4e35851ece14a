import { expect, it } from 'vitest';
import { rememberAnswers } from './ask.ts';

it('asks discovery each question once, however many checks need the answer', async () => {
  const asked: string[] = [];
  const discovery = rememberAnswers({
    versions: async (group) => {
      asked.push(group);
      return ['v2'];
    },
    resources: async (apiVersion) => {
      asked.push(apiVersion);
      return [];
    },
  });
  await Promise.all([discovery.versions('apps'), discovery.versions('apps'), discovery.resources('apps/v1')]);
  await discovery.resources('apps/v1');
  expect(asked).toEqual(['apps', 'apps/v1']);
});
