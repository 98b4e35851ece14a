/** Longer than any object that an API server stores. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * Splits a stream of bytes at newlines. An incomplete last line is left out.
 * @throws {RangeError} when a line is longer than 16 MiB
 */
export async function* readLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end));
      from = end + 1;
      yield Buffer.concat(parts).toString('utf8');
      parts = [];
      size = 0;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_LINE_BYTES) throw new RangeError(`a line of more than ${MAX_LINE_BYTES} bytes`);
  }
}
