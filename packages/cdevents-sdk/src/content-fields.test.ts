import { expect, it } from 'vitest';
import { contentFields } from './content-fields.ts';

const summaryOf = (name: string, specVersion: '0.3' | '0.4' | '0.5') =>
  contentFields(name, specVersion)?.map((field) => (field.required ? field.name : `${field.name}?`));

it.each([
  ['service.deployed', '0.3', ['environment', 'artifactId']],
  ['artifact.packaged', '0.3', ['change']],
  ['artifact.packaged', '0.4', ['change', 'sbom?']],
  ['environment.created', '0.4', ['name?', 'url?']],
  ['environment.created', '0.5', ['name?', 'uri?']],
  ['pipelinerun.started', '0.5', ['pipelineName', 'uri']],
  ['build.queued', '0.5', []],
  ['ticket.created', '0.3', undefined],
  ['service.launched', '0.5', undefined],
] as const)('%s of %s has %j', (name, specVersion, fields) => {
  expect(summaryOf(name, specVersion)).toEqual(fields);
});

it('says what may stand in a field, and what is inside it', () => {
  const fields = contentFields('testcaserun.finished', '0.5') ?? [];
  expect(fields.find(({ name }) => name === 'outcome')).toEqual({
    name: 'outcome',
    required: true,
    kind: 'string',
    values: ['success', 'failure', 'cancel', 'error'],
  });
  expect(fields.find(({ name }) => name === 'environment')).toEqual({
    name: 'environment',
    required: true,
    kind: 'object',
    fields: [
      { name: 'id', required: true, kind: 'string' },
      { name: 'source', required: false, kind: 'string' },
    ],
  });
  expect(contentFields('ticket.created', '0.5')?.find(({ name }) => name === 'labels')?.kind).toBe('list');
});
