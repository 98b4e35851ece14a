import fc from 'fast-check';
import { v5 } from 'uuid';
import { expect, it } from 'vitest';
import { bodyIdOf, chainIdOf, contextIdOf, type Identity } from './identity.ts';

const NAMESPACE = v5('cdevents.toolkit.fluxcd.io', v5.DNS);
const anIdentity = fc.array(fc.option(fc.string(), { nil: undefined }), { minLength: 11, maxLength: 11 });

it('makes UUIDs of version 5, as the library does', () => {
  fc.assert(
    fc.property(anIdentity, fc.string(), fc.string(), (parts, type, environment) => {
      const identity = parts as unknown as Identity;
      expect(contextIdOf(identity, type, environment)).toBe(
        v5(JSON.stringify([...parts, type, environment]), NAMESPACE),
      );
      expect(chainIdOf(identity)).toBe(v5(JSON.stringify([...parts, 'chain']), NAMESPACE));
    }),
  );
});

it('is what it was in every version before', () => {
  expect(bodyIdOf('{}')).toBe('acd792c7-ab6a-5dd1-9948-052ee96d0734');
});
