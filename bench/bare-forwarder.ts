// The least that a durable forwarder has to do, as the yardstick: an HTTP server that commits each event to SQLite
// (worker thread, WAL, synchronous=FULL, one transaction for everything that is waiting) before it answers, and forwards
// it with undici. It does not match, map, validate, retry or keep an order. Prints its address once it listens.
// usage: bare-forwarder.ts DATABASE RECEIVER-URL
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Pool } from 'undici';

interface Batch {
  readonly insert: readonly string[];
  readonly settle: readonly number[];
}

if (isMainThread) serve(process.argv[2] ?? 'bare.db', process.argv[3] ?? '');
else store(workerData as string);

function store(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE');
  db.exec('CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, body TEXT, delivered INTEGER)');
  const insert = db.prepare('INSERT INTO event (body, delivered) VALUES (?, 0)');
  const settle = db.prepare('UPDATE event SET delivered = 1 WHERE id = ?');
  parentPort?.on('message', (batch: Batch) => {
    db.exec('BEGIN');
    const ids = batch.insert.map((body) => Number(insert.run(body).lastInsertRowid));
    for (const id of batch.settle) settle.run(id);
    db.exec('COMMIT');
    parentPort?.postMessage(ids);
  });
}

function serve(path: string, receiver: string): void {
  const worker = new Worker(new URL(import.meta.url), { workerData: path });
  const pool = new Pool(new URL(receiver).origin, { connections: 16 });
  let waiting: { body: string; response: ServerResponse }[] = [];
  let settled: number[] = [];
  let busy = false;
  const queue: { id: number; body: string }[] = [];
  let inFlight = 0;

  const flush = () => {
    if (busy || (waiting.length === 0 && settled.length === 0)) return;
    busy = true;
    const batch = waiting;
    waiting = [];
    worker.postMessage({ insert: batch.map(({ body }) => body), settle: settled } satisfies Batch);
    settled = [];
    worker.once('message', (ids: number[]) => {
      busy = false;
      for (const [i, { body, response }] of batch.entries()) {
        response.writeHead(202, { 'content-length': 0 }).end();
        queue.push({ id: ids[i] ?? 0, body });
      }
      forward();
      flush();
    });
  };
  const forward = () => {
    while (inFlight < 16) {
      const next = queue.shift();
      if (!next) return;
      inFlight += 1;
      pool
        .request({
          method: 'POST',
          path: '/',
          headers: { 'content-type': 'application/json', 'x-id': String(next.id) },
          body: next.body,
        })
        .then((answer) => answer.body.dump())
        .then(() => {
          inFlight -= 1;
          settled.push(next.id);
          flush();
          forward();
        });
    }
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      JSON.parse(body);
      waiting.push({ body, response });
      setImmediate(flush);
    });
  });
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/\n`);
  });
}
