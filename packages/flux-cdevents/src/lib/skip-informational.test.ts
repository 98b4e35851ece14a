import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { skipInformational } from './skip-informational.ts';

const FINAL = 'HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\nHTTP/1.1 100';

/** Everything that a reader gets from a socket to which the bytes come in these pieces. */
function readFrom(pieces: readonly string[], { ended = false } = {}): string {
  const socket = skipInformational(new Socket());
  for (const piece of pieces) socket.push(Buffer.from(piece, 'latin1'));
  if (ended) socket.push(null);
  let text = '';
  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) text += chunk.toString('latin1');
  socket.destroy();
  return text;
}

/** The ways to split a text at up to two places, and byte by byte. */
function* splits(text: string): Generator<readonly string[]> {
  yield [...text];
  for (let a = 0; a < text.length; a++) {
    for (let b = a; b < text.length; b++) yield [text.slice(0, a), text.slice(a, b), text.slice(b)].filter(Boolean);
  }
}

it.each<[string, string]>([
  ['100', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['100 without a reason', 'HTTP/1.1 100\r\n\r\n'],
  ['100 of HTTP/1.0', 'HTTP/1.0 100 Continue\r\n\r\n'],
  ['100 with headers', 'HTTP/1.1 100 Continue\r\nServer: x\r\nDate: y\r\n\r\n'],
  ['100 with line feeds alone', 'HTTP/1.1 100 Continue\nServer: x\n\n'],
  ['100 with one empty line too many', 'HTTP/1.1 100 Continue\r\n\r\n\r\n'],
  ['103 with a link', 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'],
  ['several', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nA: b\r\n\r\nHTTP/1.1 199\r\n\r\n'],
])('%s before the final answer: only that one is read, however the bytes are split', (_, before) => {
  for (const pieces of splits(before + FINAL)) expect(readFrom(pieces)).toBe(FINAL);
});

it.each([
  ['101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
  ['a final answer', FINAL],
  ['another protocol', 'SSH-2.0-OpenSSH\r\n'],
  ['almost a status line', 'HTTP/1.1 1x0 Continue\r\n\r\n'],
  ['HTTP/2', 'HTTP/2.0 100 Continue\r\n\r\n'],
  ['zeros', '\0\0\0\0'],
])('%s is left as it is', (_, text) => {
  for (const pieces of splits(text)) expect(readFrom(pieces)).toBe(text);
});

it('hands over the start of a status line when the connection ends there', () => {
  expect(readFrom(['HTTP/1.1 1'], { ended: true })).toBe('HTTP/1.1 1');
  expect(readFrom(['HTTP/1.1 100 Continue\r\nServ'], { ended: true })).toBe('');
});

it('leaves a body alone that looks like an informational answer', () => {
  const body = `HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n`;
  expect(readFrom([body, 'HTTP/1.1 100 Continue\r\n\r\n'])).toBe(`${body}HTTP/1.1 100 Continue\r\n\r\n`);
});

describe('with any sequence of answers, any bytes in them and any split', () => {
  /** @see https://en.wikipedia.org/wiki/Linear_congruential_generator */
  const randomFrom = (seed: number) => {
    let state = seed;
    return (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  };

  it.each(Array.from({ length: 20 }, (_, seed) => [seed]))('%i: the final answer comes through unchanged', (seed) => {
    const random = randomFrom(seed);
    for (let round = 0; round < 200; round++) {
      const word = () => Array.from({ length: random(40) }, () => String.fromCharCode(33 + random(200))).join('');
      const informational = () =>
        `HTTP/1.1 1${random(10)}${2 + random(8)} ${word()}\r\n${`X: ${word()}\r\n`.repeat(random(4))}\r\n`;
      const final = `HTTP/1.1 ${200 + random(400)} ${word()}\r\n\r\n${word()}\r\n\r\n${informational()}`;
      const text = `${Array.from({ length: random(5) }, informational).join('')}${final}`;
      const pieces: string[] = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + random(random(2) === 0 ? 4 : 200);
        pieces.push(text.slice(at, at + length));
        at += length;
      }
      expect(readFrom(pieces)).toBe(final);
    }
  });
});
