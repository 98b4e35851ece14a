import type { NamespacedName } from './object-ref.ts';

/** `Provider` of `notification.toolkit.fluxcd.io` v1, v1beta3 and v1beta2: the fields that matter here, names unchanged. */
export interface Provider {
  readonly metadata: NamespacedName & { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly type: string;
    readonly address?: string;
    readonly username?: string;
    /** A Go duration of ms, s and m: `1m30s`. @default '15s' */
    readonly timeout?: string;
    /** Deprecated: use `proxySecretRef`. */
    readonly proxy?: string;
    readonly secretRef?: { readonly name: string };
    readonly certSecretRef?: { readonly name: string };
    readonly proxySecretRef?: { readonly name: string };
    /** Has no effect on the types that are delivered here. */
    readonly serviceAccountName?: string;
    /** Has no effect on the types that are delivered here. */
    readonly commitStatusExpr?: string;
    readonly suspend?: boolean;
  };
}
