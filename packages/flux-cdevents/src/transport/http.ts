import type { Dispatcher } from 'undici';
import type { Endpoint, ReadyProvider } from '../provider/provider.ts';
import { classifyAnswer, classifyFailure, timedOut } from './classify.ts';
import { excerptOf, MAX_ANSWER_BYTES } from './excerpt.ts';
import { createRequestBuilder, type OutgoingRequest } from './request.ts';
import type { DeliveryOutcome, Transport } from './transport.ts';

export interface HttpTransportDeps {
  readonly provider: Pick<ReadyProvider, 'endpoint' | 'options'>;
  /** The Transport closes it. */
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  /** The address that connection errors name: the receiver's or the proxy's. Absent when it must not be shown. */
  readonly where?: string | undefined;
  readonly proxied: boolean;
  readonly now: () => number;
}

/** How much of the body of a 2xx is read. The connection to a receiver that sends more is closed. */
const MAX_DISCARDED_BYTES = 65_536;

/** The code of an attempt whose signal was aborted. It is unknown whether the receiver accepted the event. */
const ABORTED = 'aborted';

/** Posts to one Provider's address over kept connections. */
export function createHttpTransport(deps: HttpTransportDeps): Transport {
  const { endpoint } = deps.provider;
  const buildRequest = createRequestBuilder(deps.provider, deps.userAgent);
  const { origin, pathname, search } = new URL(endpoint.address);
  const target = { origin, path: `${pathname}${search}` };
  const attempts = new Set<Attempt>();
  /** One listener for each signal, because adding a listener takes time in proportion to those already added. */
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
          // a later attempt would fail as well
          resolve({ status: 'rejected', code: 'message', error: `the message cannot be sent: ${String(thrown)}` });
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
      // `close` would wait for connections to hosts that never answer
      await deps.dispatcher.destroy();
    },
  };
}

const aborted: DeliveryOutcome = { status: 'retryable', code: ABORTED, error: 'stopped while waiting for an answer' };

/** One request, from its dispatch to the last event that undici reports for it. */
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
    // the attempt was stopped while it waited for a connection
    if (this.#ended) controller.abort(new Error('given up'));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ) {
    if (status < 200) return; // after 100 Continue and 103 Early Hints the answer still follows
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer) {
    this.#bytes += chunk.length;
    // reading the body of a 2xx makes the connection reusable
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
    // after the status, the outcome is known: only the rest of the body is lost
    this.#report(this.#status === 0 ? classifyFailure(thrown, this.#deps) : this.#answer(false));
    this.#end();
  }

  /** Ends the request now, unless it has already ended. */
  stop(outcome: DeliveryOutcome) {
    this.#report(outcome);
    this.#end();
    this.#controller?.abort(new Error('given up'));
  }

  /** Resolves when the request has ended or was stopped. */
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
    if (!this.#resolve) return aborted; // an outcome was reported before, so this one is ignored
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

/** The target of a redirect. It may be similar to the address, so it is not shown when the address is a secret. */
const locationOf = (location: string | undefined, endpoint: Endpoint): string | undefined =>
  location === undefined || endpoint.addressIsSecret ? undefined : excerptOf(location, endpoint.secrets, true);
