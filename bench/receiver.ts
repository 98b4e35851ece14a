// The receiver of every benchmark: takes whatever it is sent and counts requests and distinct CloudEvents ids.
// GET /stats answers {received, unique}; POST /reset starts from zero. Prints its address once it listens.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

let ids = new Set<string>();
let received = 0;

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify({ received, unique: ids.size }));
    return;
  }
  if (request.url === '/reset') {
    ids = new Set();
    received = 0;
    response.end();
    return;
  }
  const id = request.headers['ce-id'] ?? request.headers['x-id'];
  request.resume().on('end', () => {
    received += 1;
    ids.add(String(id));
    response.writeHead(202, { 'content-length': 0 }).end();
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
