import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ForwardProxy {
  readonly url: string;
  /** What was asked for: `CONNECT host:port` or `POST http://…`, with the `Proxy-Authorization` that came along. */
  readonly requests: readonly { readonly line: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
}

/**
 * A forward proxy for tests: CONNECT tunnels and requests in absolute form, whatever host is named, to one local port.
 * @param options.authorization answers 407 to whoever does not show it
 */
export async function startForwardProxy(options: {
  readonly target: { readonly port: number };
  readonly authorization?: string;
  readonly tls?: ServerOptions;
  /** Bytes that come before the answer to CONNECT. */
  readonly before?: string;
}): Promise<ForwardProxy> {
  const requests: { line: string; authorization: string | undefined }[] = [];
  const sockets = new Set<Socket>();
  const admit = ({ method, url, headers }: IncomingMessage): boolean => {
    const authorization = headers['proxy-authorization'];
    requests.push({ line: `${method} ${url}`, authorization });
    return options.authorization === undefined || authorization === options.authorization;
  };
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };

  const server: Server = options.tls ? createTlsServer(options.tls) : createServer();
  server.on('connection', keep);
  server.on('request', (incoming, response) => {
    if (!admit(incoming)) {
      response.writeHead(407).end();
      return;
    }
    const { pathname, search } = new URL(incoming.url ?? '');
    const forwarded = httpRequest(
      {
        ...options.target,
        host: '127.0.0.1',
        method: incoming.method,
        path: pathname + search,
        headers: incoming.headers,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    forwarded.on('error', () => response.writeHead(502).end());
    incoming.pipe(forwarded);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    keep(socket);
    if (!admit(incoming)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const upstream = connect(options.target.port, '127.0.0.1', () => {
      socket.write(`${options.before ?? ''}HTTP/1.1 200 Connection established\r\n\r\n`);
      upstream.pipe(socket).pipe(upstream);
    });
    keep(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    requests,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
