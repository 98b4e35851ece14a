import { type NamespacedName, nameOf } from '../../flux/object-ref.ts';
import type { Chain } from './chain.ts';
import type { IncidentMemory } from './incident.ts';
import type { ThreadMemory } from './thread.ts';

/** What one Provider was notified of about an object, in one environment. */
export interface ProviderMemory {
  /** The revision whose success was sent, when (epoch ms), and the object's uid at that time. */
  readonly announced?: { readonly revision: string; readonly at: number; readonly uid?: string };
  /** The last event of the chain, which the PATH link of the next one points to. */
  readonly previous?: ThreadMemory;
  readonly incidents?: IncidentMemory;
}

/** What is remembered about an object. It is durable and has a version. */
export interface ObjectMemory {
  readonly chain?: Chain;
  /** By Provider and environment: `flux-system/hub production`. */
  readonly notified?: Readonly<Record<string, ProviderMemory>>;
}

const keyOf = (provider: NamespacedName, environmentId: string): string => `${nameOf(provider)} ${environmentId}`;

export const providerMemory = (
  { notified }: ObjectMemory,
  provider: NamespacedName,
  environmentId: string,
): ProviderMemory => notified?.[keyOf(provider, environmentId)] ?? {};

/** The memory of the object with that of one Provider replaced. */
export function withProviderMemory(
  memory: ObjectMemory,
  provider: NamespacedName,
  environmentId: string,
  after: ProviderMemory,
): ObjectMemory {
  const key = keyOf(provider, environmentId);
  if (Object.keys(after).length === 0 && !memory.notified?.[key]) return memory;
  return { ...memory, notified: { ...memory.notified, [key]: after } };
}

/** @param text as the store has it; in version 1 of the store `notified` was called `told` */
export function parseMemory(text: string | undefined): ObjectMemory {
  if (!text) return {};
  const memory = JSON.parse(text) as ObjectMemory & { readonly told?: ObjectMemory['notified'] };
  if (memory.told === undefined) return memory;
  const { told: notified, ...rest } = memory;
  return { ...rest, notified };
}

/** Undefined when nothing changed, so that nothing is written. */
export const serialiseMemory = (memory: ObjectMemory, before: string | undefined): string | undefined => {
  const text = JSON.stringify(memory);
  return text === (before ?? '{}') ? undefined : text;
};
