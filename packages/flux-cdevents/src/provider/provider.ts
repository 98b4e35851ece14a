import type { Issue } from '../diagnostics/issue.ts';
import type { NamespacedName } from '../flux/object-ref.ts';

/** The types that are delivered here; a Provider of any other type is the notification-controller's. */
export const HANDLED_TYPES = ['cdevents', 'generic', 'generic-hmac'] as const;
export type HandledType = (typeof HANDLED_TYPES)[number];

/** With forwarding, the notification-controller that events are forwarded to serves Providers of the other types. */
export const handledTypesWith = (forwards: boolean): readonly HandledType[] =>
  forwards ? ['cdevents'] : HANDLED_TYPES;

/** True for the types that are delivered here. */
export const isHandledType = (type: unknown): type is HandledType => HANDLED_TYPES.some((handled) => handled === type);

/** CDEvents versions by their minor, as the `spec-version` annotation spells them. */
export type SpecVersion = '0.3' | '0.4' | '0.5';

/** The built-in mappings. `none`: no rules. */
export type PresetName = 'rfc' | 'service' | 'none';

/** Custom rules that a Provider names: read, and found right for its options. */
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
  /** Looked at before the preset. */
  readonly mapping?: MappingText;
  /** What becomes of an event that no rule maps. @default 'skip' */
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
  /** http or https URL without credentials; those are apart. */
  readonly proxy?: { readonly url: string; readonly authorization?: string };
  /** Every string that must not appear in a log, an error or a metric. */
  readonly secrets: readonly string[];
}

/** How a request to `/webhook/{namespace}/{name}` shows that it may: a signature with this key, or not at all. */
export type WebhookAuth = { readonly how: 'hmac'; readonly key: Uint8Array } | { readonly how: 'none' };

/** What a Provider is to the webhook. */
interface WebhookSide {
  /** Absent: there is no key to check a signature with, so every request is refused. */
  readonly webhook?: WebhookAuth;
  /**
   * True for a `generic` or `generic-hmac` Provider with an `address` annotation: the notification-controller sends to
   * it, and the webhook is where it sends to. Here it is one of type `cdevents` that takes nothing else.
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
  /** Changes whenever anything above changes: Transports are kept under it, a stop lasts as long as it. */
  readonly fingerprint: string;
}

/** A Provider of a handled type that says something wrong: it delivers nothing, and its events wait. */
export interface InvalidProvider extends WebhookSide {
  readonly status: 'invalid';
  readonly ref: NamespacedName;
  readonly type: HandledType;
  readonly suspend: boolean;
  readonly issues: readonly Issue[];
}

/** A Provider of a type that is the notification-controller's business. */
export interface ForeignProvider {
  readonly status: 'foreign';
  readonly ref: NamespacedName;
  readonly type: string;
}

export type ResolvedProvider = ReadyProvider | InvalidProvider | ForeignProvider;
