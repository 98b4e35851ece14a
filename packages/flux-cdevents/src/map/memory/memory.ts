import type { IncidentMemory } from './incident.ts';

/** The rollout that an object is in: events of one attempt share its id as their `chainId`. */
export interface Chain {
  readonly id: string;
  readonly kind: 'rollout' | 'removal';
  /** Of the event that started it. */
  readonly revision?: string;
  /** Of the object at that time: an object that is made anew starts anew. */
  readonly uid?: string;
}

/** The CDEvents that an event became, and the one before them: an event that comes again is linked as it was. */
export interface LastEvent {
  readonly chainId: string;
  /** Their ids, in order. */
  readonly ids: readonly string[];
  readonly before?: string;
}

/** What one Provider was told about an object as part of one environment. */
export interface ProviderMemory {
  /** The revision whose success was sent, when (epoch ms), and the object's uid at that time. */
  readonly announced?: { readonly revision: string; readonly at: number; readonly uid?: string };
  /** The last event of the chain: where the next one's PATH link comes from. */
  readonly previous?: LastEvent;
  readonly incidents?: IncidentMemory;
}

/** What is remembered about an object, durably and with a version. */
export interface ObjectMemory {
  readonly chain?: Chain;
  /** By Provider and environment: `flux-system/hub production`. */
  readonly told?: Readonly<Record<string, ProviderMemory>>;
}

export const parseMemory = (text: string | undefined): ObjectMemory => (text ? JSON.parse(text) : {});

/** Undefined when nothing changed, so that nothing is written. */
export const serialiseMemory = (memory: ObjectMemory, before: string | undefined): string | undefined => {
  const text = JSON.stringify(memory);
  return text === (before ?? '{}') ? undefined : text;
};
