import type { Socket } from 'node:net';

const EMPTY = Buffer.alloc(0);
const CR = 13;
const LF = 10;
/** How the status line of an answer that is not the final one starts; `#` stands for a digit. */
const STATUS_LINE = 'HTTP/1.# 1##';
const FIRST_DIGIT = STATUS_LINE.indexOf('1##');
const ONE = 0x31;

/**
 * Drops the informational answers (1xx) that a server sends before its final one, as Go's HTTP client does: undici closes
 * the connection on a 100 that it did not ask for, and takes any 1xx for the answer to CONNECT. 101 stays, since the
 * protocol changes after it. For HTTP/1.1 with one request at a time.
 * @returns the same socket
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-informational-1xx
 */
export function skipInformational<S extends Socket>(socket: S): S {
  const { push, write } = socket;
  const heads = new HeadFilter();
  socket.write = (...args: unknown[]) => {
    heads.expectAnswer();
    return (write as (...args: unknown[]) => boolean).apply(socket, args);
  };
  socket.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    const left = chunk === null ? heads.held : heads.filter(chunk);
    const wantsMore = left.length === 0 || push.call(socket, left, encoding);
    return chunk === null ? push.call(socket, null) : wantsMore;
  };
  return socket;
}

/** Follows the bytes of one connection only until the final answer to a request starts; the rest passes as it is. */
class HeadFilter {
  #state: 'start' | 'informational' | 'final' = 'start';
  /** The start of a status line that cannot be told yet. */
  held: Buffer = EMPTY;
  /** Characters since the last line feed of an informational answer. */
  #lineLength = 0;

  expectAnswer() {
    if (this.#state === 'final') this.#state = 'start';
  }

  filter(chunk: Buffer): Buffer {
    if (this.#state === 'final') return chunk;
    let data = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    this.held = EMPTY;
    for (;;) {
      if (this.#state === 'informational') data = data.subarray(this.#skipped(data));
      data = data.subarray(emptyLines(data));
      if (data.length === 0) return EMPTY;
      if (!startsInformational(data)) {
        this.#state = 'final';
        return data;
      }
      if (data.length < STATUS_LINE.length) {
        this.held = data;
        return EMPTY;
      }
      this.#state = 'informational';
      this.#lineLength = 0;
    }
  }

  /** How many bytes belong to the informational answer, which ends with an empty line. */
  #skipped(data: Buffer): number {
    for (let i = 0; i < data.length; i++) {
      if (data[i] === LF) {
        if (this.#lineLength === 0) {
          this.#state = 'start';
          return i + 1;
        }
        this.#lineLength = 0;
      } else if (data[i] !== CR) this.#lineLength++;
    }
    return data.length;
  }
}

const emptyLines = (data: Buffer): number => {
  let count = 0;
  while (data[count] === CR || data[count] === LF) count++;
  return count;
};

/** Whether the bytes, which may be too few to tell, can start an informational answer other than 101. */
function startsInformational(data: Buffer): boolean {
  if (data.length > FIRST_DIGIT && data[FIRST_DIGIT] !== ONE) return false; // nearly always
  const start = data.toString('latin1', 0, STATUS_LINE.length);
  for (let i = 0; i < start.length; i++) {
    const expected = STATUS_LINE.charAt(i);
    if (expected === '#' ? !/\d/.test(start.charAt(i)) : start[i] !== expected) return false;
  }
  return !start.endsWith(' 101');
}
