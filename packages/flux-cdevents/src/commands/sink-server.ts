import { CDEventsError, type CloudEvent, cloudEventsFromHttp, fromCloudEvent, validateCloudEvent } from 'cdevents-sdk';
import { type FastifyInstance, fastify } from 'fastify';
import { messageOf } from '../errors.ts';

/** Room for a batch of many CDEvents with a long message in each. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const ACCEPTED = 202;
/** How many ids are remembered to recognise duplicates. */
const MAX_REMEMBERED = 200_000;

/** What became of one CDEvent of a request. */
export type SinkResult =
  | {
      readonly result: 'accepted' | 'refused';
      readonly status: number;
      readonly type: string;
      readonly subject: string;
      readonly source: string;
      readonly id: string;
      /** True when the sink accepted one with the same source and id before. */
      readonly duplicate: boolean;
      readonly event: unknown;
    }
  | {
      readonly result: 'invalid';
      readonly status: number;
      readonly type?: string;
      readonly id?: string;
      readonly issues: readonly string[];
    };

export interface SinkOptions {
  /** Share of the valid requests that are refused. @default 0, or 1 when there is a `status` */
  readonly failRate?: number;
  /** The status of a refused request. @default 503 */
  readonly status?: number;
  /** Awaited before every answer. */
  readonly delay?: () => Promise<unknown>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly onResult: (receipt: SinkResult) => void;
}

export interface SinkCounts {
  /** Duplicates included. */
  readonly accepted: number;
  readonly distinct: number;
  readonly refused: number;
  readonly invalid: number;
}

export interface Sink {
  readonly server: FastifyInstance;
  readonly counts: () => SinkCounts;
}

/**
 * A receiver of CloudEvents that carry CDEvents, on any path. It answers a valid request with 202 and an invalid one
 * with 400 and `{issues}`; a batch is valid when all of its events are. It does not remember what it refuses on
 * purpose, so a repeated request is then not a duplicate.
 */
export function createSinkServer({ delay, random, onResult, ...options }: SinkOptions): Sink {
  const { status = 503, failRate = options.status === undefined ? 0 : 1 } = options;
  const seen = new Set<string>();
  const counts = { accepted: 0, distinct: 0, refused: 0, invalid: 0 };
  const server = fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setNotFoundHandler((_request, reply) => reply.code(405).header('Allow', 'POST').send());

  const remember = (key: string): boolean => {
    if (seen.has(key)) return true;
    if (seen.size >= MAX_REMEMBERED) for (const oldest of seen.keys()) if (seen.delete(oldest)) break;
    seen.add(key);
    counts.distinct += 1;
    return false;
  };

  server.post('*', async (request, reply) => {
    await delay?.();
    const read = readCloudEvents(request.headers, request.body);
    if ('invalid' in read) {
      counts.invalid += read.invalid.length;
      for (const result of read.invalid) onResult(result);
      return reply.code(400).send({ issues: read.invalid.flatMap(({ issues }) => issues) });
    }
    const answer = random() < failRate ? status : ACCEPTED;
    const refuse = answer >= 300;
    for (const cloudEvent of read.cloudEvents) {
      const event = fromCloudEvent(cloudEvent);
      const { type, source, id } = event.context;
      const key = `${source} ${id}`;
      const duplicate = refuse ? seen.has(key) : remember(key);
      counts[refuse ? 'refused' : 'accepted'] += 1;
      onResult({
        result: refuse ? 'refused' : 'accepted',
        status: answer,
        type,
        subject: event.subject.id,
        source,
        id,
        duplicate,
        event,
      });
    }
    return reply.code(answer).send();
  });
  return { server, counts: () => ({ ...counts }) };
}

type Invalid = Extract<SinkResult, { result: 'invalid' }>;

function readCloudEvents(
  headers: Parameters<typeof cloudEventsFromHttp>[0]['headers'],
  body: unknown,
): { cloudEvents: CloudEvent[] } | { invalid: Invalid[] } {
  let cloudEvents: CloudEvent[];
  try {
    cloudEvents = cloudEventsFromHttp({ headers, body: body ?? '' });
  } catch (error) {
    if (!(error instanceof CDEventsError)) throw error;
    return { invalid: [{ result: 'invalid', status: 400, issues: [messageOf(error)] }] };
  }
  const invalid = cloudEvents.flatMap((cloudEvent): Invalid[] => {
    const issues = validateCloudEvent(cloudEvent).map(({ message }) => message);
    const { type, id } = cloudEvent;
    return issues.length > 0 ? [{ result: 'invalid', status: 400, type, id, issues }] : [];
  });
  return invalid.length > 0 ? { invalid } : { cloudEvents };
}
