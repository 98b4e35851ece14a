import { connect, type Socket } from 'node:net';

/** How long an answer may take on a busy machine. */
const TIMEOUT_MS = 30_000;

/** The statuses of the answers to bytes that were sent over one connection. */
export interface Exchange {
  readonly statuses: readonly number[];
  /** Whether the server closed the connection. */
  readonly closed: boolean;
}

/** A client of one port that keeps its connection while the server does. It sends bytes as they are. */
export class Connection {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Sends bytes and reads answers until there are as many as expected, or until the server closes.
   * @param bodyless whether the answers have no body, as those to HEAD
   * @throws {Error} when the server neither answers nor closes
   */
  async send(bytes: Buffer, answers: number, bodyless = false): Promise<Exchange> {
    const kept = isOpen(this.#socket);
    const exchange = await this.#sendOnce(bytes, answers, bodyless);
    // The server may close a connection at the moment that it is used again.
    return kept && exchange.statuses.length === 0 ? this.#sendOnce(bytes, answers, bodyless) : exchange;
  }

  /** Sends bytes over a connection of its own, ends it, and reads until the server closes. */
  static sendAndEnd(port: number, bytes: Buffer): Promise<Exchange> {
    return exchange(connectTo(port), bytes, Number.POSITIVE_INFINITY, { end: true });
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #sendOnce(bytes: Buffer, answers: number, bodyless: boolean): Promise<Exchange> {
    if (!isOpen(this.#socket)) this.close();
    const socket = isOpen(this.#socket) ? this.#socket : connectTo(this.#port);
    this.#socket = socket;
    const result = await exchange(socket, bytes, answers, { bodyless });
    if (result.closed) socket.destroy();
    return result;
  }
}

/** A connection that the server has half closed takes requests, but gives no answers. */
const isOpen = (socket: Socket | undefined): socket is Socket => socket?.writable === true && !socket.readableEnded;

const connectTo = (port: number): Socket =>
  connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }).on('error', () => {});

function exchange(
  socket: Socket,
  bytes: Buffer,
  answers: number,
  { end = false, bodyless = false }: { end?: boolean; bodyless?: boolean },
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const done = (closed: boolean) => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
      if (end) socket.destroy();
      resolve({ statuses: statusesOf(received, bodyless), closed });
    };
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (statusesOf(received, bodyless).length >= answers) done(false);
    };
    const onEnd = () => done(true);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer after ${TIMEOUT_MS / 1000} s, got ${JSON.stringify(received.toString('latin1'))}`));
    }, TIMEOUT_MS);
    socket.on('data', onData).on('end', onEnd).on('close', onEnd);
    if (end) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** The statuses of the whole answers in what was received, interim ones left out. */
function statusesOf(received: Buffer, bodyless: boolean): number[] {
  const statuses: number[] = [];
  let at = 0;
  for (;;) {
    const headersEnd = received.indexOf('\r\n\r\n', at);
    if (headersEnd < 0) return statuses;
    const head = received.toString('latin1', at, headersEnd);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
    at = headersEnd + 4;
    if (status < 200) continue;
    const length = bodyless || status === 204 ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (received.length < at + length) return statuses;
    statuses.push(status);
    at += length;
  }
}
