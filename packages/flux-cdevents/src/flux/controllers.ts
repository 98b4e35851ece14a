/**
 * The controllers of Flux 2.9 and 2.10 that post events, by the names of their Deployments and ServiceAccounts.
 * @see https://github.com/fluxcd/flux2/tree/main/manifests/bases
 */
export const EVENT_CONTROLLERS = [
  'source-controller',
  'source-watcher',
  'kustomize-controller',
  'helm-controller',
  'image-reflector-controller',
  'image-automation-controller',
] as const;

export type EventController = (typeof EVENT_CONTROLLERS)[number];
