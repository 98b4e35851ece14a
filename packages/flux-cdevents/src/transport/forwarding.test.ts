import { expect, it } from 'vitest';
import { aProvider, refOf } from '../../test/helpers/providers.ts';
import { withForwarding } from './forwarding.ts';
import type { DeliveryOutcome, Transports } from './transport.ts';

const controller = aProvider({ ref: refOf('_/forward-to') });
const hub = aProvider({ ref: refOf('a/hub') });

/** An outcome as it is read for the notification-controller, and for another Provider. */
async function outcomesOf(outcome: DeliveryOutcome): Promise<DeliveryOutcome[]> {
  const transports: Transports = {
    forProvider: () => ({ send: async () => outcome, close: async () => {} }),
    retain: () => {},
    close: async () => {},
  };
  const { forProvider } = withForwarding(transports, ({ ref }) => ref.name === 'forward-to');
  const send = (provider: typeof hub) => forProvider(provider).send([], new AbortController().signal);
  return Promise.all([send(controller), send(hub)]);
}

it.each<[string, DeliveryOutcome, DeliveryOutcome]>([
  [
    'takes 429 for delivered',
    { status: 'retryable', code: '429', error: 'answered 429' },
    { status: 'delivered', code: '429' },
  ],
  [
    'lets 410 stop nothing',
    { status: 'rejected', code: '410', error: 'answered 410', stop: true },
    { status: 'rejected', code: '410', error: 'answered 410' },
  ],
  [
    'keeps another rejection',
    { status: 'rejected', code: '400', error: 'answered 400' },
    { status: 'rejected', code: '400', error: 'answered 400' },
  ],
  [
    'keeps another failure',
    { status: 'retryable', code: '503', error: 'answered 503' },
    { status: 'retryable', code: '503', error: 'answered 503' },
  ],
])('%s, of the notification-controller alone', async (_, outcome, read) => {
  expect(await outcomesOf(outcome)).toEqual([read, outcome]);
});
