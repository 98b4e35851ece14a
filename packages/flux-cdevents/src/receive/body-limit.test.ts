import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import { limitBodies } from './body-limit.ts';

/** A server that answers when it is told to. */
async function aServer(maxBytes: number) {
  const server = fastify();
  const held: (() => void)[] = [];
  limitBodies(server, { maxBytes, maxBodyBytes: 1_000_000 }, (reply) => reply.code(503).send());
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.post('/', async (_request, reply) => {
    await new Promise<void>((release) => held.push(release));
    return reply.code(202).send();
  });
  const post = async (bytes: number) =>
    (await server.inject({ method: 'POST', url: '/', headers: { 'content-type': 'text/x' }, body: 'x'.repeat(bytes) }))
      .statusCode;
  const waiting = (count: number) => expect.poll(() => held.length).toBe(count);
  return { post, waiting, release: () => held.splice(0).forEach((release) => void release()) };
}

it('refuses a body for which there is no room, until another one is answered', async () => {
  const { post, waiting, release } = await aServer(500_000);
  const first = post(300_000);
  await waiting(1);
  expect(await post(300_000)).toBe(503);
  const small = post(1_000);
  await waiting(2);
  release();
  expect(await Promise.all([first, small])).toEqual([202, 202]);
  const next = post(300_000);
  await waiting(1);
  release();
  expect(await next).toBe(202);
});

it('takes one body whatever its size', async () => {
  const { post, waiting, release } = await aServer(500_000);
  const first = post(900_000);
  await waiting(1);
  release();
  expect(await first).toBe(202);
});
