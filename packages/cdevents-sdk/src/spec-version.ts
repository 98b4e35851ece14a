/** A version of the CDEvents specification that this SDK knows, without its patch level. */
export type SpecVersion = '0.3' | '0.4' | '0.5';

/** The spec versions, oldest first. */
export const specVersions = ['0.3', '0.4', '0.5'] as const satisfies readonly SpecVersion[];

/** Used where no spec version is asked for: what Flux's own `cdevents` Receiver accepts. */
export const DEFAULT_SPEC_VERSION = '0.4' satisfies SpecVersion;

/** What an event of each spec version says in `context.version` (0.3, 0.4) or `context.specversion` (0.5). */
export const fullSpecVersions = {
  '0.3': '0.3.0',
  '0.4': '0.4.1',
  '0.5': '0.5.1',
} as const satisfies Record<SpecVersion, string>;

/** Whether `text` names a spec version in its short form. */
export const isSpecVersion = (text: unknown): text is SpecVersion => specVersions.some((version) => version === text);

/** Where a spec version says which one it is: 0.5 renamed the field. */
export const specVersionField = (specVersion: SpecVersion): 'version' | 'specversion' =>
  specVersion === '0.5' ? 'specversion' : 'version';
