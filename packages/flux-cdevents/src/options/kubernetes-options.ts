import { resolve } from 'node:path';
import type { Option } from 'commander';
import type { Issue } from '../diagnostics/issue.ts';
import { flagIssue, type RawOptions, serveFlag, textOf } from './flag.ts';
import { switchFlag, switchOf } from './switch.ts';

/** How the configuration is read from an API server. */
export interface KubernetesOptions {
  /** Path. @default the Pod's ServiceAccount, else KUBECONFIG, else ~/.kube/config */
  readonly kubeconfig?: string;
  readonly watchAllNamespaces: boolean;
  /** Requests a second. */
  readonly qps: number;
  /** Requests at once. */
  readonly burst: number;
}

/** The namespace that the program runs in, when its environment says so: its Pod sets RUNTIME_NAMESPACE. */
export const runtimeNamespace = (): string | undefined => process.env.RUNTIME_NAMESPACE || undefined;

export const kubernetesFlags = (): readonly Option[] => [
  switchFlag('--kubernetes', 'read Providers, Alerts and Secrets from the API server, not from files'),
  serveFlag(
    '--kubeconfig <file>',
    'use this kubeconfig, which implies --kubernetes (default: ServiceAccount, else KUBECONFIG)',
  ),
  switchFlag(
    '--watch-all-namespaces',
    'watch all namespaces, or with =false only the one in RUNTIME_NAMESPACE (default: true)',
  ),
  serveFlag('--kube-api-qps <n>', 'requests per second to the API server', '50'),
  serveFlag('--kube-api-burst <n>', 'burst of requests to the API server', '300'),
];

/** Adds an issue for each option that is wrong. @returns undefined in files mode */
export function resolveKubernetesOptions(raw: RawOptions, issues: Issue[]): KubernetesOptions | undefined {
  const kubeconfig = textOf(raw, 'kubeconfig');
  const watchAllNamespaces = switchOf(raw, 'watch-all-namespaces', issues, true);
  const positive = (name: string, fallback: number): number => {
    const text = textOf(raw, name) ?? String(fallback);
    const value = Number(text);
    if (value > 0 && Number.isFinite(value)) return value;
    issues.push(flagIssue(name, 'a number over 0', text));
    return fallback;
  };
  const qps = positive('kube-api-qps', 50);
  const burst = positive('kube-api-burst', 300);
  if (!switchOf(raw, 'kubernetes', issues) && kubeconfig === undefined) return undefined;
  return { ...(kubeconfig && { kubeconfig: resolve(kubeconfig) }), watchAllNamespaces, qps, burst };
}
