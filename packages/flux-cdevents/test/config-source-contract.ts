import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConfigSnapshot, type ConfigSource, isComplete } from '../src/config/config-source.ts';
import { formatIssue } from '../src/diagnostics/format.ts';
import { eventually } from './helpers/eventually.ts';
import type { TestObject } from './helpers/fake-api-server.ts';
import {
  aMappingObject,
  anAlertObject,
  aProviderObject,
  aSecretObject,
  NAMESPACE,
} from './helpers/notification-objects.ts';

/** Where a source reads from, and the means to change it. */
export interface ConfigPlace {
  /** Creates or replaces an object. */
  put(object: TestObject): Promise<void>;
  delete(object: TestObject): Promise<void>;
  /** Makes an object unreadable, at least. It keeps existing. */
  hide(object: TestObject): Promise<void>;
  /** Makes everything unreadable. */
  hideAll(): Promise<void>;
  /** Makes everything readable that was hidden, as far as it still exists. */
  reveal(): Promise<void>;
  /** Creates a source of this place that is quick to see changes. The test closes it. */
  create(): ConfigSource;
  /** Releases the place, after the source was closed. */
  close(): Promise<void>;
}

/** What every ConfigSource does. */
export function describeConfigSource(name: string, open: () => Promise<ConfigPlace>): void {
  describe(`a ConfigSource: ${name}`, () => {
    let place: ConfigPlace;
    let source: ConfigSource;
    beforeEach(async () => {
      place = await open();
      source = place.create();
    });
    afterEach(async () => {
      await source.close();
      await place.close();
    });

    const mapped = (mapping: string) => aProviderObject('hub', {}, { 'cdevents.toolkit.fluxcd.io/mapping': mapping });
    const withSecret = (more: object = {}) => aProviderObject('hub', { secretRef: { name: 'token' }, ...more });
    const hub = (snapshot = source.snapshot()) => snapshot?.providers.get(`${NAMESPACE}/hub`);
    const address = (snapshot = source.snapshot()) => {
      const provider = hub(snapshot);
      return provider?.status === 'ready' ? provider.endpoint.address : provider?.status;
    };
    const fingerprint = () => {
      const provider = hub();
      return provider?.status === 'ready' ? provider.fingerprint : undefined;
    };
    const problems = (snapshot = source.snapshot()) => snapshot?.problems.map(formatIssue);
    const alertNames = (snapshot = source.snapshot()) => snapshot?.alerts.map(({ metadata }) => metadata.name).sort();

    it('has no snapshot before it has started', async () => {
      await place.put(aProviderObject('hub'));
      expect(source.snapshot()).toBeUndefined();
    });

    it('is complete at the first snapshot: Providers, their Secrets and mappings, and Alerts', async () => {
      await place.put(aSecretObject('token', { address: 'http://secret.example.com' }));
      await place.put(aMappingObject('rules', 'preset: rfc'));
      const annotations = { 'cdevents.toolkit.fluxcd.io/mapping': 'rules' };
      await place.put(aProviderObject('hub', { secretRef: { name: 'token' } }, annotations));
      await place.put(anAlertObject('all'));
      const snapshots: ConfigSnapshot[] = [];
      source.onChange((snapshot) => snapshots.push(snapshot));
      await source.start();
      expect(source.snapshot()?.problems).toEqual([]);
      expect(address()).toBe('http://secret.example.com');
      expect(hub()).toMatchObject({ options: { preset: 'rfc' } });
      expect(alertNames()).toEqual(['all']);
      expect(snapshots).toEqual([source.snapshot()]);
    });

    it('starts with nothing when there is nothing', async () => {
      await source.start();
      expect(source.snapshot()).toEqual({ alerts: [], providers: new Map(), problems: [], unread: [] });
    });

    it('makes a new snapshot of a change and leaves the one before as it was', async () => {
      await place.put(aProviderObject('hub'));
      await source.start();
      const before = source.snapshot();
      await place.put(aProviderObject('hub', { address: 'http://new.example.com' }));
      await eventually(() => expect(address()).toBe('http://new.example.com'));
      expect(address(before)).toBe('http://hub.example.com');
    });

    it('passes each new snapshot to its listeners, until they end the subscription', async () => {
      await place.put(aProviderObject('hub'));
      await source.start();
      const seen: unknown[] = [];
      const stop = source.onChange((snapshot) => seen.push(alertNames(snapshot)));
      await place.put(anAlertObject('a'));
      await eventually(() => expect(seen).toEqual([['a']]));
      stop();
      await place.put(anAlertObject('b'));
      await eventually(() => expect(alertNames()).toEqual(['a', 'b']));
      expect(seen).toEqual([['a']]);
    });

    it('keeps the last good version of an object that is not valid any more', async () => {
      await place.put(aProviderObject('hub'));
      await source.start();
      await place.put(aProviderObject('hub', { address: 'http://new.example.com', timeout: 5 }));
      await eventually(() =>
        expect(problems()).toEqual([expect.stringContaining(`Provider ${NAMESPACE}/hub: spec.timeout: expected`)]),
      );
      expect(address()).toBe('http://hub.example.com');
      await place.put(aProviderObject('hub', { address: 'http://new.example.com' }));
      await eventually(() => expect(address()).toBe('http://new.example.com'));
      expect(problems()).toEqual([]);
    });

    it('has an invalid Provider where no version of it was valid', async () => {
      await place.put(aProviderObject('hub', { timeout: 5 }));
      await place.put(anAlertObject('all'));
      await source.start();
      expect(hub()?.status).toBe('invalid');
      expect(problems()).toHaveLength(1); // the Alert is not to blame
    });

    it('gives a Provider another fingerprint when its Secret is rotated', async () => {
      await place.put(aSecretObject('token', { token: 'old' }));
      await place.put(withSecret());
      await source.start();
      const before = fingerprint();
      expect(before).toBeDefined();
      await place.put(aSecretObject('token', { token: 'new' }));
      await eventually(() => expect(fingerprint()).not.toBe(before));
      expect(hub()?.status).toBe('ready');
    });

    it('has a Secret that comes later, and misses one that is gone', async () => {
      await place.put(withSecret());
      await source.start();
      expect(hub()?.status).toBe('invalid');
      expect(problems()).toEqual([expect.stringContaining('"token", which does not exist or cannot be read')]);
      await place.put(aSecretObject('token', { token: 'x' }));
      await eventually(() => expect(hub()?.status).toBe('ready'));
      await place.delete(aSecretObject('token', {}));
      await eventually(() => expect(hub()?.status).toBe('invalid'));
    });

    it('follows the mapping of a Provider', async () => {
      await place.put(aMappingObject('rules', 'preset: service'));
      await place.put(mapped('rules'));
      await source.start();
      expect(hub()).toMatchObject({ options: { preset: 'service' } });
      await place.put(aMappingObject('rules', 'preset: none'));
      await eventually(() => expect(hub()).toMatchObject({ options: { preset: 'none' } }));
    });

    it('drops a Provider that is deleted, which is a problem of its Alerts', async () => {
      await place.put(aProviderObject('hub'));
      await place.put(anAlertObject('all'));
      await source.start();
      await place.delete(aProviderObject('hub'));
      await eventually(() => expect(hub()).toBeUndefined());
      await eventually(() =>
        expect(problems()).toEqual([expect.stringContaining(`Alert ${NAMESPACE}/all: spec.providerRef.name: `)]),
      );
      expect(alertNames()).toEqual(['all']);
    });

    it('drops an Alert that is deleted', async () => {
      await place.put(anAlertObject('a'));
      await place.put(anAlertObject('b'));
      await source.start();
      await place.delete(anAlertObject('a'));
      await eventually(() => expect(alertNames()).toEqual(['b']));
    });

    describe('while it cannot read', () => {
      const unread = () => source.snapshot()?.unread ?? [];
      /** Every part that is unknown is a problem too, and has been unknown for a while that can be measured. */
      const expectUnread = () =>
        eventually(() => {
          expect(unread().length).toBeGreaterThan(0);
          for (const { problem, sinceMs } of unread()) {
            expect(problems()).toContain(formatIssue(problem));
            expect(sinceMs).toBeLessThanOrEqual(performance.now());
          }
        });
      const expectAllKnown = () =>
        eventually(() => {
          expect(unread()).toEqual([]);
          expect(problems()).toEqual([]);
        });

      it('a Secret, its Provider works with the last one, and other changes are applied', async () => {
        await place.put(aSecretObject('token', { token: 'old' }));
        await place.put(withSecret());
        await source.start();
        const before = fingerprint();
        await place.hide(aSecretObject('token', {}));
        await expectUnread();
        await place.put(anAlertObject('later'));
        await eventually(() => expect(alertNames()).toEqual(['later']));
        expect(fingerprint()).toBe(before);
        expect(isComplete({ unread: unread() })).toBe(true);
        await place.reveal();
        await expectAllKnown();
        await place.put(aSecretObject('token', { token: 'new' }));
        await eventually(() => expect(fingerprint()).not.toBe(before));
      });

      it('a Provider, the Provider is not gone', async () => {
        await place.put(aProviderObject('hub'));
        await place.put(anAlertObject('all'));
        await source.start();
        await place.hide(aProviderObject('hub'));
        await expectUnread();
        expect(address()).toBe('http://hub.example.com');
        expect(isComplete({ unread: unread() })).toBe(true);
        await place.reveal();
        await expectAllKnown();
        await place.put(aProviderObject('hub', { address: 'http://new.example.com' }));
        await eventually(() => expect(address()).toBe('http://new.example.com'));
      });

      it('anything, everything stays as it was, and what changes meanwhile is seen afterwards', async () => {
        await place.put(aProviderObject('hub'));
        await place.put(anAlertObject('a'));
        await source.start();
        await place.hideAll();
        await expectUnread();
        expect([address(), alertNames()]).toEqual(['http://hub.example.com', ['a']]);
        expect(isComplete({ unread: unread() })).toBe(true);
        await place.reveal();
        await expectAllKnown();
        await place.put(anAlertObject('b'));
        await eventually(() => expect(alertNames()).toEqual(['a', 'b']));
        expect(address()).toBe('http://hub.example.com');
      });

      it('a Provider that is then deleted, the Provider is gone as soon as that is known', async () => {
        await place.put(aProviderObject('hub'));
        await source.start();
        await place.hide(aProviderObject('hub'));
        await expectUnread();
        expect(hub()).toBeDefined();
        await place.delete(aProviderObject('hub'));
        await place.reveal();
        await eventually(() => expect(hub()).toBeUndefined());
        await expectAllKnown();
      });

      it('anything when it starts, it waits and says for what', async () => {
        await place.put(aProviderObject('hub'));
        await place.hideAll();
        const starting = source.start();
        await eventually(() => expect(source.waitsFor()[0]).toMatch(/ELOOP|503/));
        expect(source.snapshot()).toBeUndefined();
        await place.reveal();
        await starting;
        expect(address()).toBe('http://hub.example.com');
        expect(source.waitsFor()).toEqual([]);
      });

      it('a Secret when it starts, its Provider is invalid and its events wait', async () => {
        await place.put(aSecretObject('token', { token: 'x' }));
        await place.put(withSecret());
        await place.hide(aSecretObject('token', {}));
        await source.start();
        expect(hub()?.status).toBe('invalid');
        await expectUnread();
        await place.reveal();
        await eventually(() => expect(hub()?.status).toBe('ready'));
        await expectAllKnown();
      });
    });

    it('answers with the labels of an object, and undefined when there is none', async () => {
      const labelled = aMappingObject('shop', '');
      await place.put({ ...labelled, metadata: { ...labelled.metadata, labels: { team: 'web' } } });
      await source.start();
      const object = { apiVersion: 'v1', kind: 'ConfigMap', namespace: NAMESPACE };
      expect(await source.labels({ ...object, name: 'shop' })).toEqual({ team: 'web' });
      expect(await source.labels({ ...object, name: 'nothing' })).toBeUndefined();
    });

    it('keeps its snapshot after it is closed, and calls no listener', async () => {
      await place.put(aProviderObject('hub'));
      await source.start();
      const listener = vi.fn();
      source.onChange(listener);
      const writing = place.put(anAlertObject('late'));
      await source.close();
      await writing;
      expect(address()).toBe('http://hub.example.com');
      expect(alertNames()).toEqual([]);
      expect(listener).not.toHaveBeenCalled();
    });

    it('can be closed twice, and before it has started', async () => {
      await source.close();
      await source.close();
    });

    it('does not start when it is closed in the meantime', async () => {
      const starting = source.start();
      await Promise.all([expect(starting).rejects.toMatchObject({ code: 'FCE_CONFIG_NOT_LOADED' }), source.close()]);
      expect(source.snapshot()).toBeUndefined();
    });

    it('cannot be started after it was closed', async () => {
      await source.close();
      await expect(source.start()).rejects.toMatchObject({ code: 'FCE_CONFIG_NOT_LOADED' });
      expect(source.snapshot()).toBeUndefined();
    });
  });
}
