// The receiver of every benchmark: takes whatever it is sent and counts requests and distinct CloudEvents ids.
// GET /stats answers the counts; POST /reset starts from zero; POST /refuse has it refuse some of the requests. Prints its
// address once it listens.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The requests that the receiver refuses. */
export interface Refusals {
  /** The share of requests that are refused, at random. */
  readonly share: number;
  readonly status: number;
  /** The value of `Retry-After`, in seconds. */
  readonly retryAfter?: number;
  /** How often to refuse the first event that comes, with 503 and `Retry-After: 600`, whatever the share. */
  readonly first?: number;
}

/** What the receiver has counted since it was last reset. */
export interface ReceiverStats {
  /** Requests that it took. */
  readonly received: number;
  /** Distinct ids of the requests that it took. */
  readonly unique: number;
  readonly refused: number;
  /** The longest time between two requests that followed each other, both refused, in ms. */
  readonly longestGapMs: number;
}

let ids = new Set<string>();
let received = 0;
let refused = 0;
let longestGapMs = 0;
let lastRefusedAt: number | undefined;
let refusals: Refusals = { share: 0, status: 503 };
let firstId: string | undefined;

const refuse = (id: string): { readonly status: number; readonly retryAfter?: number } | undefined => {
  if (refusals.first) {
    firstId ??= id;
    if (firstId === id) return { status: 503, retryAfter: 600 };
  }
  return Math.random() < refusals.share ? refusals : undefined;
};

const server = createServer(async (request, response) => {
  if (request.method === 'GET') {
    const stats: ReceiverStats = { received, unique: ids.size, refused, longestGapMs };
    response.end(JSON.stringify(stats));
    return;
  }
  if (request.url === '/reset') {
    ids = new Set();
    received = refused = longestGapMs = 0;
    lastRefusedAt = firstId = undefined;
    response.end();
    return;
  }
  if (request.url === '/refuse') {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    refusals = JSON.parse(body) as Refusals;
    response.end();
    return;
  }
  const id = String(request.headers['ce-id'] ?? request.headers['x-id']);
  request.resume().on('end', () => {
    const refusal = refuse(id);
    if (refusal) {
      const now = performance.now();
      if (lastRefusedAt !== undefined) longestGapMs = Math.max(longestGapMs, now - lastRefusedAt);
      lastRefusedAt = now;
      refused += 1;
      const { status, retryAfter } = refusal;
      if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
      response.writeHead(status, { 'content-length': 0 }).end();
      return;
    }
    lastRefusedAt = undefined;
    received += 1;
    ids.add(id);
    response.writeHead(202, { 'content-length': 0 }).end();
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
