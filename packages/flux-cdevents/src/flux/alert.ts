import type { NamespacedName } from './object-ref.ts';

/** Selects the objects whose events an Alert handles. */
export interface EventSource {
  readonly kind: string;
  /** A name, or `*` for every object in the namespace. */
  readonly name: string;
  /** The Alert's own namespace when left out. */
  readonly namespace?: string;
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** `Alert` of `notification.toolkit.fluxcd.io` v1, v1beta3 and v1beta2: the fields that matter here, names unchanged. */
export interface Alert {
  readonly metadata: NamespacedName;
  readonly spec: {
    readonly providerRef: { readonly name: string };
    readonly eventSources: readonly EventSource[];
    /** @default 'info', which selects every severity */
    readonly eventSeverity?: 'info' | 'error';
    /** RE2, unanchored; at least one has to match the message. */
    readonly inclusionList?: readonly string[];
    /** RE2, unanchored; wins over `inclusionList`. */
    readonly exclusionList?: readonly string[];
    readonly eventMetadata?: Readonly<Record<string, string>>;
    /** Deprecated, gone in v1: the same as `eventMetadata.summary`. */
    readonly summary?: string;
    readonly suspend?: boolean;
  };
}

/** False for an empty `matchLabels` as well, which selects every object. */
export const hasMatchLabels = ({ matchLabels }: EventSource): boolean => Object.keys(matchLabels ?? {}).length > 0;
