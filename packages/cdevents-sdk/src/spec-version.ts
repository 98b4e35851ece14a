/** A version of the CDEvents specification that this SDK knows, without its patch level. */
export type SpecVersion = '0.3' | '0.4' | '0.5';

/** The spec versions, oldest first. */
export const specVersions = ['0.3', '0.4', '0.5'] as const satisfies readonly SpecVersion[];

/** The spec version of events that do not ask for another. Flux's own `cdevents` Receiver accepts only this one. */
export const DEFAULT_SPEC_VERSION = '0.4' satisfies SpecVersion;

/** The value of `context.version` (0.3, 0.4) or `context.specversion` (0.5) in events of each spec version. */
export const fullSpecVersions = {
  '0.3': '0.3.0',
  '0.4': '0.4.1',
  '0.5': '0.5.1',
} as const satisfies Record<SpecVersion, string>;

/** Whether `text` names a spec version in its short form. */
export const isSpecVersion = (text: unknown): text is SpecVersion => specVersions.some((version) => version === text);

/** The field of `context` that holds the spec version: 0.5 renamed it. */
export const specVersionField = (specVersion: SpecVersion): 'version' | 'specversion' =>
  specVersion === '0.5' ? 'specversion' : 'version';
