import { CDEventsError } from './errors.ts';
import type { CDEvent, CustomData } from './event.ts';

const decodeBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * Encodes data that is not a JSON object as `customData`: the bytes as base64, with their media type.
 * @see https://github.com/cdevents/spec/blob/v0.4.1/spec.md#customdata
 */
export const encodeCustomData = (
  bytes: Uint8Array,
  contentType: string,
): { customData: CustomData; customDataContentType: string } => ({
  customData: encodeBase64(bytes),
  customDataContentType: contentType,
});

/**
 * Returns the custom data of an event: an object unchanged, base64 as bytes, undefined where there is none.
 * @throws {CDEventsError} `CDE_INVALID_EVENT` when a string is not base64; the schemas do not check that
 */
export function decodeCustomData({ customData }: CDEvent): Record<string, unknown> | Uint8Array | undefined {
  if (typeof customData !== 'string') return customData;
  try {
    return decodeBase64(customData);
  } catch (cause) {
    throw new CDEventsError('CDE_INVALID_EVENT', 'customData: expected base64', { cause });
  }
}
