import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** A request as it reached the receiver. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query; the absolute form of a proxy request stays as it is. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** Common name of the client's certificate. */
  readonly clientName?: string;
}

/**
 * What a request is answered with: a status or more, or a way to behave badly. `raw`: these bytes, after which the
 * connection is closed; `hang`: never answered; `close`: the connection is closed instead; `reset`: it is reset;
 * `hang-in-body`: headers and the start of a body, then nothing.
 */
export type ReceiverAnswer =
  | number
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      /** The reason phrase. @default that of the status */
      readonly statusText?: string;
      /** Seconds or an HTTP date. */
      readonly retryAfter?: string;
      readonly delayMs?: number;
      /** The body is sent one character at a time, with this many milliseconds in between. */
      readonly dripMs?: number;
      /** Informational answers before the final one, whether the client asked for them or not. */
      readonly informational?: readonly (100 | 102 | 103)[];
    }
  | { readonly raw: string }
  | 'hang'
  | 'hang-in-body'
  | 'close'
  | 'reset';

export interface ReceiverOptions {
  /** What a request is answered with when nothing else is scripted. @default 202 */
  readonly answer?: ReceiverAnswer | ((request: ReceivedRequest, index: number) => ReceiverAnswer);
  /** Speaks TLS; with a `ca` it asks for client certificates and refuses others. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** @default a free one */
  readonly port?: number;
}

/** A real HTTP server for tests: it records what it gets and answers as it is told. */
export interface Receiver {
  /** `http://127.0.0.1:PORT`, or `https://localhost:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** Connections that were opened so far. */
  readonly connections: number;
  /** Changes the standing answer. */
  answer(answer: NonNullable<ReceiverOptions['answer']>): void;
  /** Answers for the next requests, one each; after them the standing answer is given again. */
  next(...answers: ReceiverAnswer[]): void;
  /** Resolves when there are at least so many requests, hanging ones included, with all there are then. */
  received(count: number): Promise<readonly ReceivedRequest[]>;
  /** Presents another certificate on new connections, and closes the others. Only with TLS. */
  certificate(certificate: { readonly cert: string; readonly key: string }): void;
  /** Closes all connections, and goes on to listen. */
  disconnect(): void;
  /** Closes, hanging connections included. */
  close(): Promise<void>;
}

function drip(response: ServerResponse, body: string, everyMs: number): void {
  const characters = [...body];
  const timer = setInterval(() => {
    const character = characters.shift();
    if (character !== undefined && !response.destroyed) response.write(character);
    else {
      clearInterval(timer);
      response.end();
    }
  }, everyMs);
}

/** Listens on a free loopback port. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const script: ReceiverAnswer[] = [];
  const waiting = new Set<() => void>();
  let standing = options.answer ?? 202;
  let connections = 0;

  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const clientName = options.tls && (incoming.socket as TLSSocket).getPeerCertificate().subject?.CN;
      const request: ReceivedRequest = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        rawHeaders: incoming.rawHeaders,
        body: Buffer.concat(chunks).toString('utf8'),
        ...(typeof clientName === 'string' && { clientName }),
      };
      requests.push(request);
      const answer =
        script.shift() ?? (typeof standing === 'function' ? standing(request, requests.length - 1) : standing);
      for (const wake of waiting) wake();
      if (answer === 'hang') return;
      if (answer === 'close') {
        incoming.socket.destroy();
        return;
      }
      if (answer === 'reset') {
        incoming.socket.resetAndDestroy();
        return;
      }
      if (typeof answer === 'object' && 'raw' in answer) {
        incoming.socket.end(answer.raw);
        return;
      }
      if (answer === 'hang-in-body') {
        response.writeHead(500, { 'content-length': '100' }).write('the start');
        return;
      }
      const {
        status,
        headers = {},
        body = '',
        statusText,
        retryAfter,
        delayMs = 0,
        dripMs = 0,
        informational = [],
      } = typeof answer === 'number' ? { status: answer } : answer;
      if (statusText !== undefined) response.statusMessage = statusText;
      for (const code of informational) incoming.socket.write(`HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\n\r\n`);
      const respond = () => {
        response.writeHead(status, { ...headers, ...(retryAfter && { 'retry-after': retryAfter }) });
        if (dripMs > 0) drip(response, body, dripMs);
        else response.end(body);
      };
      if (delayMs > 0) setTimeout(respond, delayMs);
      else respond();
    });
  };

  const server = options.tls
    ? createTlsServer({ ...options.tls, requestCert: options.tls.ca !== undefined }, listener)
    : createServer(listener);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    requests,
    get connections() {
      return connections;
    },
    answer(answer) {
      standing = answer;
    },
    next(...answers) {
      script.push(...answers);
    },
    received(count) {
      return new Promise((resolve) => {
        const check = () => {
          if (requests.length < count) return;
          waiting.delete(check);
          resolve([...requests]);
        };
        waiting.add(check);
        check();
      });
    },
    certificate(certificate) {
      if ('setSecureContext' in server) server.setSecureContext(certificate);
      for (const socket of sockets) socket.destroy();
    },
    disconnect() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
