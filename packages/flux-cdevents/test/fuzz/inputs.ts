import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { WEBHOOK_KEY, WEBHOOK_PATH } from './server.ts';

/** Bytes for one of the servers, and the statuses of which each of its answers must have one. */
export interface Input {
  readonly to: 'events' | 'ui';
  /** What it is, for the table of results. */
  readonly kind: string;
  readonly bytes: Buffer;
  readonly allowed: readonly number[];
  /** How many answers follow. `closes`: the server may answer or not, but must close when the client has said everything. */
  readonly answers: number | 'closes';
  readonly bodyless?: boolean;
}

interface Request {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
}

/** A request as it is sent, with the length of its body unless a header says otherwise. */
function requestOf({ method = 'POST', path = '/', headers = [], body = '' }: Request): Buffer {
  const bytes = Buffer.from(body);
  const framed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(headers.some(([name]) => /^host$/i.test(name)) ? [] : ['Host: localhost']),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(framed ? [] : [`Content-Length: ${bytes.length}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

const root = join(import.meta.dirname, '../../../..');
type Wire = Record<string, unknown> & { involvedObject: Record<string, unknown>; metadata?: Record<string, unknown> };
const recorded: readonly Wire[] = readFileSync(join(root, 'packages/flux-cdevents/demo/rollout.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

const ACCEPTED = [202, 429];

const hostile = fc.constantFrom(
  ...[
    '',
    ' ',
    '\0',
    '\ud800',
    '\udfff',
    '\ufeff',
    '\u202e\u2066',
    '\u009b31m',
    'ﷺ',
    '👩‍👩‍👧‍👦',
    'İ',
    'ǰ',
    '"',
    '\\',
    "'; DROP TABLE entries; --",
  ],
  ...['__proto__', 'constructor', 'toString', '{{x}}', '%00', '../../x', '<script>', '\r\nX: y', 'null', '-1', '1e999'],
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  hostile,
  fc.tuple(hostile, fc.integer({ min: 1, max: 60 })).map(([part, times]) => part.repeat(times).slice(0, 1_000)),
);
const name = fc.oneof(fc.uuid(), text).map((value) => value.slice(0, 300) || 'x');
const anEvent = fc.constantFrom(...recorded);
const anyJson = fc.oneof({ maxDepth: 3 }, fc.jsonValue({ maxDepth: 3 }), fc.integer(), text);

/** An event that must be accepted: a recorded one, with other texts, keys and unknown fields. */
const validEvent = fc
  .record({
    event: anEvent,
    name,
    message: fc.oneof(
      text,
      fc.tuple(hostile, fc.integer({ min: 1, max: 2_000 })).map(([part, times]) => part.repeat(times)),
    ),
    metadata: fc.dictionary(
      fc.oneof(
        text,
        text.map((key) => `event.toolkit.fluxcd.io/${key}`),
      ),
      text,
      { maxKeys: 6 },
    ),
    reason: fc.oneof(fc.constantFrom(...recorded.map(({ reason }) => String(reason))), name),
    more: fc.dictionary(fc.constantFrom('reportingInstance', 'action', 'reportingController', 'severity'), text),
    unknown: fc.dictionary(
      fc.string({ maxLength: 10 }).map((key) => `x${key}`),
      anyJson,
      { maxKeys: 2 },
    ),
  })
  .map(({ event, name, message, metadata, reason, more, unknown }) => ({
    ...event,
    ...unknown,
    ...more,
    message,
    reason,
    metadata: { ...event.metadata, ...metadata },
    involvedObject: { ...event.involvedObject, name },
  }));

const eventTexts = validEvent.map((event) => JSON.stringify(event));
/** Things that JSON allows and that JavaScript objects do not show. */
const oddJson = fc
  .tuple(
    anEvent,
    name,
    fc.constantFrom(
      '"reason":"First","reason":"Second",',
      '"big":1e999999,"small":-0,"long":12345678901234567890123456789,',
      `"deep":${'['.repeat(500)}${']'.repeat(500)},`,
      '"__proto__":{"reason":"Polluted"},"constructor":null,',
      '"message":"\\ud800\\udc00\\udc00 \\u0000",',
      ' \t\r\n ',
    ),
  )
  .map(([event, name, odd]) => {
    const json = JSON.stringify({ ...event, involvedObject: { ...event.involvedObject, name } });
    return `{${odd}${json.slice(1)}`;
  });

/** Fields, and what none of them may be. */
const wrongType = fc
  .tuple(
    anEvent,
    fc.constantFrom(
      ...['involvedObject', 'metadata', 'reason', 'severity', 'timestamp', 'message', 'reportingController'].map(
        (key) => [key],
      ),
      ...['kind', 'namespace', 'name', 'apiVersion', 'uid', 'resourceVersion'].map((key) => ['involvedObject', key]),
      ['metadata', 'x'],
      ['relatedObject'],
    ),
    fc.oneof(fc.constantFrom<unknown>(1, true, [], [[]], 0.5, -1e300), fc.array(anyJson, { maxLength: 3 })),
  )
  .map(([event, [first = '', second], value]) =>
    JSON.stringify({
      ...event,
      [first]: second === undefined ? value : { ...(event[first] as object), [second]: value },
    }),
  );

const mutated = fc
  .tuple(
    eventTexts,
    fc.array(fc.tuple(fc.nat(5_000), fc.nat(255)), { minLength: 1, maxLength: 6 }),
    fc.option(fc.nat(5_000)),
  )
  .map(([json, edits, cut]) => {
    const bytes = Buffer.from(json);
    for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
    return cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
  });

const noEvent = fc.oneof(
  fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from([0, ...bytes])),
  text.map((value) => `!${value}`),
  anyJson
    .filter((value) => typeof value !== 'object' || value === null || !('involvedObject' in value))
    .map((value) => JSON.stringify(value)),
  fc.integer({ min: 1, max: 5_000 }).map((depth) => '['.repeat(depth)),
  fc.tuple(eventTexts, fc.integer({ min: 1, max: 200 })).map(([json, less]) => json.slice(0, -less)),
);

const oddHeaders = fc.array(
  fc.oneof(
    fc.tuple(
      fc.constant('Content-Type'),
      fc.constantFrom('', ';', 'json', 'a/b; c="', 'application/json, text/plain', 'x'.repeat(300)),
    ),
    fc.tuple(
      fc.constantFrom('Content-Encoding', 'Accept', 'Accept-Encoding', 'User-Agent', 'X-Forwarded-For'),
      fc.string({ maxLength: 30 }),
    ),
    fc.tuple(
      fc.constantFrom('X-Signature', 'Authorization', 'Cookie', 'Range', 'If-Match', 'Origin', 'traceparent'),
      fc.string({ maxLength: 80 }),
    ),
    fc.tuple(fc.constant('Expect'), fc.constant('100-continue')),
    fc.tuple(
      fc.string({ unit: fc.constantFrom(...'abcdefghijklmnop-'), minLength: 1, maxLength: 20 }),
      fc.string({ maxLength: 200 }),
    ),
  ),
  { maxLength: 4 },
);
/** Header values of printable ASCII, as fast-check's strings have it; at most one of each name, since some may not be repeated. */
const headers = oddHeaders.map((all) => [...new Map(all.map((header) => [header[0].toLowerCase(), header])).values()]);

const misspeltWebhooks = [
  '/webhook',
  '/webhook/',
  '//webhook/a',
  '/webhook/a/b/c',
  '/x/webhook/a/b',
  '/Webhook/a/b',
  '/webhook%2fa/b',
];

const input = (to: Input['to'], kind: string, allowed: readonly number[], requests: fc.Arbitrary<Request>) =>
  requests.map((request): Input => ({ to, kind, allowed, answers: 1, bytes: requestOf(request) }));
const chunked = (body: string | Buffer, size: number): Request => {
  const bytes = Buffer.from(body);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return { headers: [['Transfer-Encoding', 'chunked']], body: Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]) };
};

const signatureOf = (body: string | Buffer, key = WEBHOOK_KEY): readonly [string, string] => [
  'X-Signature',
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
];
const toWebhook = (body: string | Buffer, ...all: (readonly [string, string])[]): Request => ({
  path: WEBHOOK_PATH,
  headers: all,
  body,
});
const otherWebhooks = fc.constantFrom(
  '/webhook/flux-system/nobody',
  '/webhook/__proto__/constructor',
  '/webhook/a%00/b',
  `/webhook/a/${'x'.repeat(300)}`,
);

const json: readonly [string, string] = ['Content-Type', 'application/json'];
const token = text.map(encodeURIComponentSafely);
function encodeURIComponentSafely(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
const filters = fc
  .array(
    fc.tuple(
      fc.constantFrom('state', 'provider', 'type', 'since', 'id', 'limit', 'after', 'x', '__proto__'),
      fc.oneof(
        token,
        fc.constantFrom(
          'pending',
          'delivered',
          'dead-letter',
          'flux-system/hub',
          '2h',
          '1',
          '501',
          '-1',
          '1e3',
          'null',
          '%',
          '%%%',
          '%ff',
        ),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join('&'));
/** A body for the API: each field has a good or any value, so that all checks of a request are reached. */
const good = <T>(...values: readonly T[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom<unknown>(...values) }, anyJson);
const apiBody = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record(
        {
          ids: fc.oneof(fc.array(text, { minLength: 1, maxLength: 3 }), anyJson),
          provider: good('flux-system/nobody', 'flux-system/hub'),
          type: good('incident.detected', 'flux'),
          since: good('2h', '1e9d', '2026-01-01T00:00:00Z', '999999999999y'),
        },
        { requiredKeys: [] },
      )
      .map((body) => JSON.stringify(body)),
  },
  {
    weight: 2,
    arbitrary: fc
      .record(
        { all: good(true), states: good(['dead-letter'], ['delivered']), remap: good(true, false) },
        { requiredKeys: [] },
      )
      .map((body) => JSON.stringify(body)),
  },
  { weight: 2, arbitrary: validEvent.map((event) => JSON.stringify({ event })) },
  anyJson.map((body) => JSON.stringify(body)),
  text,
  eventTexts.map((body) => body.slice(0, -1)),
);

/** Every kind of input, with how often it comes. */
export const inputs: fc.Arbitrary<Input> = fc.oneof(
  {
    weight: 14,
    arbitrary: input(
      'events',
      'event',
      ACCEPTED,
      eventTexts.map((body) => ({ body })),
    ),
  },
  {
    weight: 6,
    arbitrary: input(
      'events',
      'event in odd JSON',
      ACCEPTED,
      oddJson.map((body) => ({ body })),
    ),
  },
  {
    weight: 4,
    arbitrary: input('events', 'event with odd headers', ACCEPTED, fc.record({ body: eventTexts, headers })),
  },
  {
    weight: 3,
    arbitrary: input(
      'events',
      'event in chunks',
      ACCEPTED,
      fc
        .tuple(eventTexts, fc.integer({ min: 1, max: 3_000 }))
        .map(([body, size]) => chunked(body, Math.max(size, body.length >> 6))),
    ),
  },
  {
    weight: 12,
    arbitrary: input(
      'events',
      'mutated event',
      [...ACCEPTED, 400],
      mutated.map((body) => ({ body })),
    ),
  },
  {
    weight: 10,
    arbitrary: input(
      'events',
      'wrong type',
      [400],
      wrongType.map((body) => ({ body })),
    ),
  },
  {
    weight: 8,
    arbitrary: input(
      'events',
      'no event',
      [400],
      noEvent.map((body) => ({ body })),
    ),
  },
  {
    weight: 2,
    arbitrary: input(
      'events',
      'misspelt webhook',
      [404],
      fc.record({ body: eventTexts, path: fc.constantFrom(...misspeltWebhooks) }),
    ),
  },
  {
    weight: 2,
    arbitrary: input(
      'events',
      'any path',
      [...ACCEPTED, 400, 401, 404],
      fc.record({ body: eventTexts, path: token.map((path) => `/${path}`.slice(0, 500)) }),
    ),
  },
  {
    weight: 2,
    arbitrary: input(
      'events',
      'other method',
      [400, 405],
      fc.record({
        method: fc.constantFrom('GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY', 'TRACE'),
        path: fc.constantFrom('/', '/webhook/a/b', '/x?y'),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('/', '/x').map((path): Input => {
      const bytes = requestOf({ method: 'HEAD', path });
      return { to: 'events', kind: 'HEAD', allowed: [405], answers: 1, bodyless: true, bytes };
    }),
  },
  {
    weight: 4,
    arbitrary: fc.array(fc.oneof(eventTexts, noEvent), { minLength: 2, maxLength: 6 }).map((bodies): Input => {
      const bytes = Buffer.concat(bodies.map((body) => requestOf({ body })));
      return { to: 'events', kind: 'pipelined', allowed: [...ACCEPTED, 400], answers: bodies.length, bytes };
    }),
  },
  {
    weight: 6,
    arbitrary: input(
      'events',
      'webhook, signed',
      [202],
      eventTexts.map((body) => toWebhook(body, signatureOf(body))),
    ),
  },
  {
    weight: 3,
    arbitrary: input(
      'events',
      'webhook, signed, no event',
      [400],
      fc.oneof(noEvent, wrongType).map((body) => toWebhook(body, signatureOf(body))),
    ),
  },
  {
    weight: 5,
    arbitrary: input(
      'events',
      'webhook, not signed',
      [401],
      fc
        .tuple(
          fc.oneof(eventTexts, noEvent, mutated),
          fc.oneof(fc.constant(undefined), fc.string({ maxLength: 90 }), fc.constant(`sha256=${'0'.repeat(64)}`)),
        )
        .map(([body, signature]) =>
          toWebhook(body, ...(signature === undefined ? [] : [['X-Signature', signature] as const])),
        ),
    ),
  },
  {
    weight: 2,
    arbitrary: input(
      'events',
      'webhook of nobody',
      [401],
      fc.tuple(eventTexts, otherWebhooks).map(([body, path]) => ({ path, body, headers: [signatureOf(body)] })),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        eventTexts,
        fc.constantFrom(
          [
            ['Content-Length', '5'],
            ['Content-Length', '6'],
          ],
          [['Content-Length', '-1']],
          [['Content-Length', '1e3']],
          [['Content-Length', '99999999999999999999']],
          [['Content-Length', '3145729']],
          [['Transfer-Encoding', 'chunked']],
          [['Transfer-Encoding', 'gzip']],
          [
            ['Transfer-Encoding', 'chunked'],
            ['Content-Length', '10'],
          ],
          [
            ['Content-Length', '10'],
            ['X', 'a\nb'],
          ],
          [
            ['Content-Length', '10'],
            ['X Y', 'z'],
          ],
          [
            ['Host', 'a'],
            ['Host', 'b'],
            ['Content-Length', '10'],
          ],
          [
            ['Content-Length', '10'],
            ['X', 'x'.repeat(300_000)],
          ],
        ) as fc.Arbitrary<(readonly [string, string])[]>,
      )
      .map(
        ([body, headers]): Input => ({
          to: 'events',
          kind: 'broken framing',
          allowed: [...ACCEPTED, 400, 405, 413, 431],
          answers: 'closes',
          bytes: requestOf({ body, headers }),
        }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom<'events' | 'ui'>('events', 'ui'),
        fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.string({ minLength: 1 })),
      )
      .map(
        ([to, bytes]): Input => ({
          to,
          kind: 'no HTTP',
          allowed: [400],
          answers: 'closes',
          bytes: Buffer.from(bytes as string),
        }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(eventTexts, fc.nat(2_000)).map(([body, less]): Input => {
      const whole = requestOf({ body });
      const bytes = whole.subarray(0, Math.max(1, whole.length - 1 - (less % (whole.length - 1))));
      return { to: 'events', kind: 'unfinished', allowed: [400], answers: 'closes', bytes };
    }),
  },
  {
    weight: 4,
    arbitrary: input(
      'ui',
      'list',
      [200, 400],
      filters.map((query) => ({ method: 'GET', path: `/api/v1/deliveries?${query}` })),
    ),
  },
  {
    weight: 3,
    arbitrary: input(
      'ui',
      'id',
      [200, 400, 404, 409],
      token.map((id) => ({ method: 'GET', path: `/api/v1/deliveries/${id}` })),
    ),
  },
  {
    weight: 5,
    arbitrary: input(
      'ui',
      'body',
      [200, 202, 400, 404, 409],
      fc
        .tuple(
          fc.constantFrom(
            'deliveries/replay',
            'deliveries/discard',
            'providers/flux-system/hub/send',
            'providers/__proto__/x/send',
          ),
          apiBody,
        )
        .map(([path, body]) => ({ path: `/api/v1/${path}`, headers: [json], body })),
    ),
  },
  {
    weight: 1,
    arbitrary: input(
      'ui',
      'path',
      [200, 400, 403, 404, 415],
      fc
        .record({
          method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
          path: token,
          host: fc.constantFrom('localhost', 'example.org', '[::1]', ''),
        })
        .map(({ method, path, host }) => ({ method, path: `/api/v1/${path}`, headers: [['Host', host] as const] })),
    ),
  },
);

/** A request of the corpus. The body is a list of texts, or of a text and how often it is repeated. */
interface CorpusFile {
  readonly why: string;
  readonly to: Input['to'];
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: readonly (string | readonly [string, number])[];
  readonly allowed: readonly number[];
}

const corpusFolder = join(root, 'faults/corpus');

/** Requests that found a fault once, or that are too large to come up at random. */
export function readCorpus(): readonly Input[] {
  return readdirSync(corpusFolder)
    .sort()
    .map((file): Input => {
      const {
        why,
        to,
        allowed,
        body = [],
        ...request
      }: CorpusFile = JSON.parse(readFileSync(join(corpusFolder, file), 'utf8'));
      const text = body.map((part) => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('');
      return { to, kind: `corpus: ${why}`, allowed, answers: 1, bytes: requestOf({ ...request, body: text }) };
    });
}
