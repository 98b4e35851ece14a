import type { Dispatcher } from 'undici';
import type { Endpoint, ReadyProvider } from '../provider/provider.ts';
import { classifyAnswer, classifyFailure, timedOut } from './classify.ts';
import { excerptOf, MAX_ANSWER_BYTES } from './excerpt.ts';
import { createRequestBuilder, type OutgoingRequest } from './request.ts';
import type { DeliveryOutcome, Transport } from './transport.ts';

export interface HttpTransportDeps {
  readonly provider: Pick<ReadyProvider, 'endpoint' | 'options'>;
  /** Closed together with the Transport. */
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  /** What a failed connection names: the receiver or the proxy. Absent when it must not be shown. */
  readonly where?: string | undefined;
  readonly proxied: boolean;
  readonly now: () => number;
}

/** So much of the body of a 2xx is read; a receiver that says more has its connection closed. */
const MAX_DISCARDED_BYTES = 65_536;

/** The outcome of an attempt whose signal was aborted: nothing is known of what the receiver did. */
export const ABORTED = 'aborted';

/** Posts to one Provider's address over kept connections. */
export function createHttpTransport(deps: HttpTransportDeps): Transport {
  const { endpoint } = deps.provider;
  const buildRequest = createRequestBuilder(deps.provider, deps.userAgent);
  const { origin, pathname, search } = new URL(endpoint.address);
  const target = { origin, path: `${pathname}${search}` };
  const attempts = new Set<Attempt>();
  /** One listener a signal, however many attempts share it: listeners are checked one by one when one is added. */
  const signals = new Map<AbortSignal, () => void>();

  const watch = (signal: AbortSignal) => {
    if (signals.has(signal)) return;
    const abort = () => {
      for (const attempt of attempts) if (attempt.signal === signal) attempt.stop(aborted);
    };
    signals.set(signal, abort);
    signal.addEventListener('abort', abort, { once: true });
  };

  return {
    send(messages, signal) {
      if (signal.aborted) return Promise.resolve(aborted);
      watch(signal);
      return new Promise((resolve) => {
        let request: OutgoingRequest;
        try {
          request = buildRequest(messages);
        } catch (thrown) {
          // of a message that is no CDEvent nothing can ever be made
          resolve({ status: 'rejected', code: 'message', error: `not a message that can be sent: ${String(thrown)}` });
          return;
        }
        const attempt = new Attempt(deps, signal, resolve, attempts);
        attempts.add(attempt);
        try {
          deps.dispatcher.dispatch({ ...target, method: 'POST', ...request }, attempt);
        } catch (thrown) {
          attempt.fail(thrown);
        }
      });
    },
    async close() {
      await Promise.all([...attempts].map((attempt) => attempt.ended));
      for (const [signal, abort] of signals) signal.removeEventListener('abort', abort);
      signals.clear();
      // not `close`: that would wait for a connection to a host that never answers, which nobody wants any more
      await deps.dispatcher.destroy();
    },
  };
}

const aborted: DeliveryOutcome = { status: 'retryable', code: ABORTED, error: 'stopped while it waited for an answer' };

/** One request on its way, from the first to the last event that undici has of it. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly signal: AbortSignal;
  readonly #deps: HttpTransportDeps;
  readonly #timer: NodeJS.Timeout;
  readonly #all: Set<Attempt>;
  #whenEnded: (() => void)[] = [];
  #resolve: ((outcome: DeliveryOutcome) => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #ended = false;
  #status = 0;
  #headers: Record<string, string | string[] | undefined> = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    deps: HttpTransportDeps,
    signal: AbortSignal,
    resolve: (outcome: DeliveryOutcome) => void,
    all: Set<Attempt>,
  ) {
    this.signal = signal;
    this.#deps = deps;
    this.#resolve = resolve;
    this.#all = all;
    const { timeoutMs } = deps.provider.endpoint;
    this.#timer = setTimeout(
      () => this.stop(this.#status === 0 ? timedOut(timeoutMs) : this.#answer(false)),
      timeoutMs,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController) {
    this.#controller = controller;
    // it was given up while it waited for a connection
    if (this.#ended) controller.abort(new Error('given up'));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ) {
    if (status < 200) return; // 100 Continue, 103 Early Hints: the answer is still to come
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer) {
    this.#bytes += chunk.length;
    // the body of a 2xx is read only so that the connection can be used again
    const accepted = this.#status < 300;
    if (!accepted) this.#chunks.push(chunk);
    if (this.#bytes > (accepted ? MAX_DISCARDED_BYTES : MAX_ANSWER_BYTES)) this.stop(this.#answer(false));
  }

  onResponseEnd() {
    this.#report(this.#answer(true));
    this.#end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error) {
    this.fail(error);
  }

  fail(thrown: unknown) {
    // with a status in hand the receiver has spoken, with a 2xx it has taken the event: only words were lost
    this.#report(this.#status === 0 ? classifyFailure(thrown, this.#deps) : this.#answer(false));
    this.#end();
  }

  /** Ends the request now, if it has not ended by itself. */
  stop(outcome: DeliveryOutcome) {
    this.#report(outcome);
    this.#end();
    this.#controller?.abort(new Error('given up'));
  }

  /** Resolves when undici has nothing more to do for it, or it was given up. */
  get ended(): Promise<void> {
    return this.#ended ? Promise.resolve() : new Promise((resolve) => this.#whenEnded.push(resolve));
  }

  #report(outcome: DeliveryOutcome) {
    this.#resolve?.(outcome);
    this.#resolve = undefined;
  }

  #end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#all.delete(this);
    this.#chunks = [];
    for (const resolve of this.#whenEnded.splice(0)) resolve();
  }

  #answer(complete: boolean): DeliveryOutcome {
    if (!this.#resolve) return aborted; // reported before; this one goes nowhere
    if (this.#status < 300) return classifyAnswer({ status: this.#status }, 0);
    const { endpoint } = this.#deps.provider;
    const text = Buffer.concat(this.#chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8');
    return classifyAnswer(
      {
        status: this.#status,
        retryAfter: firstOf(this.#headers['retry-after']),
        location: locationOf(firstOf(this.#headers.location), endpoint),
        excerpt: excerptOf(text, endpoint.secrets, complete),
      },
      this.#deps.now(),
    );
  }
}

const firstOf = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** Where to a redirect points. Of an address that is secret it is likely a variant, which no mask would know. */
const locationOf = (location: string | undefined, endpoint: Endpoint): string | undefined =>
  location === undefined || endpoint.addressIsSecret ? undefined : excerptOf(location, endpoint.secrets, true);
