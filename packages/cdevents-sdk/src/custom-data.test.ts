import fc from 'fast-check';
import { expect, it } from 'vitest';
import { aCDEvent } from '../test/helpers/samples.ts';
import { decodeCustomData, encodeCustomData } from './custom-data.ts';
import { parse } from './validate.ts';

it('carries bytes of any kind', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const event = { ...aCDEvent('build.started', '0.4', false), ...encodeCustomData(bytes, 'image/png') };
      expect(decodeCustomData(parse(JSON.stringify(event)))).toEqual(bytes);
      expect(event.customDataContentType).toBe('image/png');
    }),
  );
});

it('hands an object back as it is', () => {
  const event = aCDEvent('build.started', '0.4');
  expect(decodeCustomData(event)).toBe(event.customData);
  expect(decodeCustomData(aCDEvent('build.started', '0.4', false))).toBeUndefined();
});

it('says when a string is not base64', () => {
  const event = { ...aCDEvent('build.started', '0.4'), customData: 'not base64!' };
  expect(() => decodeCustomData(event)).toThrow('customData: expected base64');
});
