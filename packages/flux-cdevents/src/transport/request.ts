import { createHmac } from 'node:crypto';
import { type CDEvent, type ContentMode, type HttpMessage, toHttp } from 'cdevents-sdk';
import type { ReadyProvider } from '../provider/provider.ts';
import type { OutgoingMessage } from './transport.ts';

/** A POST request. `headers` has names and values in turn. */
export interface OutgoingRequest {
  readonly headers: string[];
  readonly body: string;
}

/** Headers that belong to the connection: the HTTP client sets them, and a Secret cannot. */
const connectionHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Prepares the common parts of all requests to one Provider.
 * @returns a function that builds a request from one message, or from several in the content mode `batched`
 */
export function createRequestBuilder(
  { endpoint, options }: Pick<ReadyProvider, 'endpoint' | 'options'>,
  userAgent: string,
): (messages: readonly OutgoingMessage[]) => OutgoingRequest {
  const { authorization, hmacKey } = endpoint;
  const secretHeaders = Object.entries(endpoint.headers).filter(([name]) => {
    const lower = name.toLowerCase();
    // credentials for the proxy are sent to the proxy, never to the receiver
    return !connectionHeaders.has(lower) && !(lower === 'proxy-authorization' && endpoint.proxy);
  });
  const taken = new Set(secretHeaders.map(([name]) => name.toLowerCase()));
  const last = secretHeaders.filter(([name]) => !(hmacKey && name.toLowerCase() === 'x-signature')).flat();

  const finish = (ours: readonly (readonly [string, string])[], body: string): OutgoingRequest => {
    const headers: string[] = [];
    for (const [name, value] of ours) if (!taken.has(name.toLowerCase())) headers.push(name, value);
    headers.push(...last);
    if (hmacKey) headers.push('X-Signature', `sha256=${createHmac('sha256', hmacKey).update(body).digest('hex')}`);
    return { headers, body };
  };

  const common: [string, string][] = [['User-Agent', userAgent]];
  const credentials: [string, string][] = authorization === undefined ? [] : [['Authorization', authorization]];

  return (messages) => {
    const [first] = messages;
    if (first === undefined) throw new RangeError('a request needs a message');
    if (first.kind === 'forward') return finish([...common, ['Content-Type', 'application/json']], first.body);
    if (first.kind === 'flux') {
      return finish(
        [...common, ['Content-Type', 'application/json'], ['Gotk-Component', reportingController(first.body)]],
        first.body,
      );
    }
    const { headers, body } = toCloudEvents(messages, options.contentMode);
    return finish([...common, ...credentials, ...Object.entries(headers)], body);
  };
}

function toCloudEvents(messages: readonly OutgoingMessage[], mode: ContentMode): HttpMessage {
  const partitionKeys = new Map<CDEvent, string | undefined>();
  for (const { body, partitionKey } of messages) {
    partitionKeys.set(JSON.parse(body) as CDEvent, partitionKey); // it was validated before it was stored
  }
  return toHttp([...partitionKeys.keys()], {
    mode,
    extensions: (event) => ({ partitionkey: partitionKeys.get(event) || undefined }),
  });
}

/** `Gotk-Component` of the notification-controller's forwarder. */
function reportingController(body: string): string {
  const event: unknown = JSON.parse(body);
  const name =
    typeof event === 'object' && event !== null && 'reportingController' in event && event.reportingController;
  return typeof name === 'string' ? name : '';
}
