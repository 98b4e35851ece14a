/**
 * The controllers of Flux 2.9 and 2.10 that post events to the address in their flag `--events-addr`, by the names of
 * their Deployments and ServiceAccounts.
 * @see https://github.com/fluxcd/flux2/tree/v2.10.0/manifests/bases
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

/**
 * The ServiceAccounts that post events in an installation of Flux: those of the controllers above, and two that have no
 * such flag, the notification-controller and the Flux Operator.
 * @see https://github.com/fluxcd/flux2/tree/v2.10.0/manifests/bases/notification-controller
 * @see https://github.com/controlplaneio-fluxcd/flux-operator/blob/main/internal/notifier/notifier.go
 */
export const EVENT_SENDERS = [...EVENT_CONTROLLERS, 'notification-controller', 'flux-operator'] as const;
