import type { ReadyProvider } from '../provider/provider.ts';
import type { DeliveryOutcome, Transports } from './transport.ts';

/**
 * The outcome of an attempt at a notification-controller. It answers 429 when an earlier attempt has brought the event.
 * Its 410 is about this event only; the 410 of a receiver would stop the Provider.
 */
function outcomeOfForwarding(outcome: DeliveryOutcome): DeliveryOutcome {
  if (outcome.status === 'retryable' && outcome.code === '429') return { status: 'delivered', code: '429' };
  if (outcome.status !== 'rejected' || !outcome.stop) return outcome;
  const { stop: _, ...rejected } = outcome;
  return rejected;
}

/**
 * Treats the answers of a notification-controller as what they mean there.
 * @param isController whether a Provider stands for the notification-controller
 */
export function withForwarding(transports: Transports, isController: (provider: ReadyProvider) => boolean): Transports {
  return {
    ...transports,
    forProvider(provider) {
      const transport = transports.forProvider(provider);
      if (!isController(provider)) return transport;
      return {
        ...transport,
        send: async (messages, signal) => outcomeOfForwarding(await transport.send(messages, signal)),
      };
    },
  };
}
