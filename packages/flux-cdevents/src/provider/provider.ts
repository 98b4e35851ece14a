import type { Issue } from '../diagnostics/issue.ts';
import type { NamespacedName } from '../flux/object-ref.ts';

/** The types that are delivered here; the notification-controller delivers to Providers of all other types. */
export const HANDLED_TYPES = ['cdevents', 'generic', 'generic-hmac'] as const;
export type HandledType = (typeof HANDLED_TYPES)[number];

/** With forwarding, the notification-controller that receives the forwarded events also serves the generic types. */
export const handledTypesWith = (forwards: boolean): readonly HandledType[] =>
  forwards ? ['cdevents'] : HANDLED_TYPES;

/** True for the types that are delivered here. */
export const isHandledType = (type: unknown): type is HandledType => HANDLED_TYPES.some((handled) => handled === type);

/** CDEvents versions by their minor, as the `spec-version` annotation spells them. */
export type SpecVersion = '0.3' | '0.4' | '0.5';

/** The built-in mappings. `none`: no rules. */
export type PresetName = 'rfc' | 'service' | 'none';

/** Custom rules that a Provider names, checked against its options. */
export interface MappingText {
  /** Name of the ConfigMap. */
  readonly name: string;
  /** Its `mapping.yaml`. */
  readonly text: string;
}

/** The options that a mapping sets in its header. An annotation of the Provider wins over each. */
export interface MappingHeader {
  readonly specVersion?: SpecVersion;
  readonly preset?: PresetName;
}

/**
 * Reads the text of a `mapping.yaml` for a Provider whose annotations set `given`, and lists everything that is wrong
 * with it, each issue with its `textPlace`. A port: only the mapping room knows what a mapping is.
 */
export type MappingReader = (
  text: string,
  given: MappingHeader,
) => { readonly header: MappingHeader; readonly issues: readonly Issue[] };

/** What the annotations `cdevents.toolkit.fluxcd.io/…` say, else the header of the mapping, else the defaults. */
export interface ProviderOptions {
  /** @default '0.4' */
  readonly specVersion: SpecVersion;
  /** @default 'rfc' */
  readonly preset: PresetName;
  /** Its rules are tried before those of the preset. */
  readonly mapping?: MappingText;
  /** What to do with an event that no rule maps. @default 'skip' */
  readonly unmapped: 'skip' | 'custom';
  /** @default 'binary' */
  readonly contentMode: 'binary' | 'structured' | 'batched';
  /** URI-reference template of `context.source`. @default the `--source` of the process */
  readonly source?: string;
  /** @default the `--cluster` of the process */
  readonly cluster?: string;
  /** After this an undelivered event becomes a dead letter. @default 24 h */
  readonly maxAgeMs: number;
  /** @default 'object' */
  readonly ordering: 'object' | 'none';
  /** @default 'skip' */
  readonly unchanged: 'skip' | 'send';
}

/** Where and how to deliver: the Provider's spec and its Secrets, read and checked. Holds secrets: never print it. */
export interface Endpoint {
  /** Absolute http or https URL. */
  readonly address: string;
  /** True when the address comes from the Secret and so must not be shown. */
  readonly addressIsSecret: boolean;
  /** For one attempt. */
  readonly timeoutMs: number;
  /** In the order and spelling of the Secret's `headers`; they win over what we set. */
  readonly headers: Readonly<Record<string, string>>;
  /** Value of the `Authorization` header, from `token` or `username` and `password`. */
  readonly authorization?: string;
  /** Key of `X-Signature: sha256=<hex>`, byte for byte. */
  readonly hmacKey?: Uint8Array;
  /** PEM. With a CA the system's roots are not used. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** http or https URL; its credentials are in `authorization`. */
  readonly proxy?: { readonly url: string; readonly authorization?: string };
  /** Every string that must not appear in a log, an error or a metric. */
  readonly secrets: readonly string[];
}

/** How requests to `/webhook/{namespace}/{name}` are authenticated: by a signature with this key, or not at all. */
export type WebhookAuth = { readonly how: 'hmac'; readonly key: Uint8Array } | { readonly how: 'none' };

/** What the webhook needs to know about a Provider. */
interface WebhookSide {
  /** Absent: there is no key to check a signature with, so every request is refused. */
  readonly webhook?: WebhookAuth;
  /**
   * True for a `generic` or `generic-hmac` Provider with an `address` annotation. The notification-controller uses it
   * to send events to the webhook. Here it acts as a Provider of type `cdevents` that takes events from the webhook
   * only.
   */
  readonly webhookOnly?: true;
}

/** A Provider of a handled type, ready for use. */
export interface ReadyProvider extends WebhookSide {
  readonly status: 'ready';
  readonly ref: NamespacedName;
  readonly type: HandledType;
  readonly suspend: boolean;
  readonly options: ProviderOptions;
  readonly endpoint: Endpoint;
  /** Changes whenever anything above changes. A Transport or a stop belongs to one fingerprint, and ends with it. */
  readonly fingerprint: string;
}

/** A Provider of a handled type that is not valid: it delivers nothing, and its events wait. */
export interface InvalidProvider extends WebhookSide {
  readonly status: 'invalid';
  readonly ref: NamespacedName;
  readonly type: HandledType;
  readonly suspend: boolean;
  readonly issues: readonly Issue[];
}

/** A Provider of a type that only the notification-controller handles. */
export interface ForeignProvider {
  readonly status: 'foreign';
  readonly ref: NamespacedName;
  readonly type: string;
}

export type ResolvedProvider = ReadyProvider | InvalidProvider | ForeignProvider;
