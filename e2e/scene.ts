import { randomUUID } from 'node:crypto';
import { type CDEvent, fromHttp } from 'cdevents-sdk';
import { expect } from 'vitest';
import type { FluxEvent } from '../packages/flux-cdevents/src/flux/event.ts';
import { aFluxEvent } from '../packages/flux-cdevents/test/helpers/flux-events.ts';
import { type ReceivedRequest, type Receiver, startReceiver } from '../packages/flux-cdevents/test/helpers/receiver.ts';
import { type Api, ApiError } from './api.ts';
import { type Controller, startController } from './controller.ts';
import { addressSecret, anAlertObject, aProviderObject } from './fixtures/notifications.ts';
import { asController } from './shipped.ts';
import { eventually } from './wait.ts';

export const NOTIFICATION_V1 = 'notification.toolkit.fluxcd.io/v1';
export const NOTIFICATION_V1BETA3 = 'notification.toolkit.fluxcd.io/v1beta3';

/** A namespace, a receiver, and a controller that runs as the shipped ServiceAccount. */
export interface Scene {
  readonly admin: Api;
  readonly namespace: string;
  readonly receiver: Receiver;
  readonly controller: Controller;
  /** The API version in which it writes its objects. */
  readonly apiVersion: string;
  /** Applies the Provider `hub`, which sends to the receiver. */
  applyProvider(
    spec?: Readonly<Record<string, unknown>>,
    annotations?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Applies an Alert for `hub`. By default it selects every HelmRelease of the namespace. */
  applyAlert(name: string, spec?: Readonly<Record<string, unknown>>): Promise<void>;
  applySecret(name: string, values: Readonly<Record<string, string>>): Promise<void>;
  /** What the controller knows of the namespace; other suites may have left objects elsewhere. */
  alerts(): ReturnType<Controller['alerts']>;
  providers(): ReturnType<Controller['providers']>;
  /** Resolves when the controller knows these Alerts of the namespace and a Provider that is ready. */
  settled(...alerts: string[]): Promise<void>;
  deleteObject(kind: 'Provider' | 'Alert', name: string): Promise<void>;
  /** An event of a HelmRelease of the namespace; no two are alike. */
  event(overrides?: Parameters<typeof aFluxEvent>[0]): FluxEvent;
  /** Posts such an event. @returns the status of the answer, and the name of the object */
  post(overrides?: Parameters<typeof aFluxEvent>[0]): Promise<{ readonly status: number; readonly name: string }>;
  close(): Promise<void>;
}

export interface SceneOptions {
  readonly admin: Api;
  readonly namespace: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** @default v1 */
  readonly apiVersion?: string;
  /** Whether to wait until the controller is ready. @default true */
  readonly ready?: boolean;
}

export async function startScene(options: SceneOptions): Promise<Scene> {
  const { admin, namespace, flags = [], env = {}, apiVersion = NOTIFICATION_V1, ready = true } = options;
  await admin.namespace(namespace);
  const receiver = await startReceiver();
  const controller = await startController({ access: await asController(admin), flags, env });
  let count = 0;

  const event = ({ involvedObject, ...rest }: NonNullable<Parameters<typeof aFluxEvent>[0]> = {}) =>
    aFluxEvent({
      ...rest,
      involvedObject: { namespace, name: `podinfo-${++count}`, uid: randomUUID(), ...involvedObject },
    });
  const scene: Scene = {
    admin,
    namespace,
    receiver,
    apiVersion,
    controller,
    async applyProvider(spec = {}, annotations = {}) {
      const provider = aProviderObject({ name: 'hub', namespace }, { address: receiver.url, ...spec }, annotations);
      await admin.apply([{ ...provider, apiVersion }]);
    },
    async applyAlert(name, spec) {
      await admin.apply([{ ...anAlertObject({ name, namespace, provider: 'hub' }, spec), apiVersion }]);
    },
    applySecret: async (name, values) => void (await admin.apply([addressSecret({ name, namespace }, values)])),
    alerts: async () => (await controller.alerts()).filter((alert) => alert.namespace === namespace),
    providers: async () => (await controller.providers()).filter((provider) => provider.namespace === namespace),
    // Alerts and Providers come through separate watches, in any order.
    settled: (...names) =>
      eventually(async () => {
        expect((await scene.alerts()).map(({ name }) => name).sort()).toEqual(names.sort());
        expect((await scene.providers()).some(({ status }) => status === 'ready')).toBe(true);
      }, 60_000),
    deleteObject: (kind, name) => admin.delete({ apiVersion, kind, metadata: { name, namespace } }),
    event,
    async post(overrides) {
      const posted = event(overrides);
      return { status: await controller.post(posted), name: posted.involvedObject.name };
    },
    async close() {
      await controller.stop();
      await receiver.close();
      for (const kind of ['Alert', 'Provider']) {
        await admin.clear(apiVersion, kind, namespace).catch((error: unknown) => {
          if (!(error instanceof ApiError && error.status === 404)) throw error;
        });
      }
    },
  };
  if (ready) {
    try {
      await controller.ready();
    } catch (error) {
      await scene.close();
      throw error;
    }
  }
  return scene;
}

/** The CDEvent in a request. */
export function cdeventIn({ headers, body }: ReceivedRequest): CDEvent {
  const [cdevent] = fromHttp({ headers, body });
  if (!cdevent) throw new Error('no CDEvent in the request');
  return cdevent;
}

/** The names of the Flux objects that the requests are about. */
export const objectsIn = (requests: readonly ReceivedRequest[]): string[] =>
  requests.map((request) => {
    const { flux } = cdeventIn(request).customData as { flux: FluxEvent };
    return flux.involvedObject.name;
  });
