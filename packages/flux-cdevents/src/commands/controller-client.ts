import { readFile } from 'node:fs/promises';
import type { Option } from 'commander';
import { FluxCDEventsError, type FluxCDEventsErrorCode, messageOf } from '../errors.ts';
import type { NamespacedName } from '../flux/object-ref.ts';
import type {
  CountAnswer,
  DeliveryDetail,
  DeliveryPage,
  DiscardRequest,
  ErrorAnswer,
  ListQuery,
  ReplayRequest,
  SendAnswer,
  SendRequest,
} from '../http/api-types.ts';
import { variableOf } from '../options/flag.ts';
import { flag, parserOf } from './command.ts';

/** The address of the controller and its token: the flags of every command that talks to it. */
export interface ServerFlags {
  readonly server: string;
  readonly tokenFile?: string;
}

const baseUrl = parserOf((text) => {
  const url = URL.parse(text);
  return url && /^https?:$/.test(url.protocol) ? url.href.replace(/\/+$/, '') : undefined;
}, 'an http or https URL');

export const serverFlags = (): readonly Option[] => [
  withVariable(
    flag('--server <url>', 'the API of a running controller', (option) =>
      option.default('http://127.0.0.1:9393').argParser(baseUrl),
    ),
  ),
  withVariable(flag('--token-file <file>', 'file with the bearer token of the API')),
];

/** How to reach the controller, unlike what to do there, may come from the environment. */
const withVariable = (option: Option): Option => option.env(variableOf(option));

/** A client of a running controller's API. Every method throws a `FluxCDEventsError` that says what to do. */
export interface ControllerClient {
  list(query: ListQuery): Promise<DeliveryPage>;
  show(id: string): Promise<DeliveryDetail>;
  replay(request: ReplayRequest): Promise<CountAnswer>;
  discard(request: DiscardRequest): Promise<CountAnswer>;
  send(provider: NamespacedName, request: SendRequest): Promise<SendAnswer>;
}

/** No further attempt follows. */
export const isSettled = ({ state }: Pick<DeliveryDetail, 'state'>): boolean =>
  state === 'delivered' || state === 'dead-letter';

const TIMEOUT_MS = 60_000;

/**
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID` when the token file cannot be read; from the methods
 * `FCE_API_UNREACHABLE`, or what the API answers
 */
export async function createControllerClient({ server, tokenFile }: ServerFlags): Promise<ControllerClient> {
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile);

  const call = async <T>(path: string, body?: unknown): Promise<T> => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${server}/api/v1${path}`, {
        headers: {
          accept: 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch (cause) {
      throw unreachable(server, cause);
    }
    const answer = parseAnswer(text);
    if (answer === undefined) {
      throw new FluxCDEventsError(
        'FCE_API_UNREACHABLE',
        `the server at ${server} (status ${response.status}) is not the API of flux-cdevents; set its address with --server`,
      );
    }
    if (!response.ok) throw refusal(answer as ErrorAnswer, response.status, server);
    return answer as T;
  };

  return {
    list: (query) => call(`/deliveries${toQueryString(query)}`),
    show: (id) => call(`/deliveries/${encodeURIComponent(id)}`),
    replay: (request) => call('/deliveries/replay', request),
    discard: (request) => call('/deliveries/discard', request),
    send: ({ namespace, name }, request) =>
      call(`/providers/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/send`, request),
  };
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new FluxCDEventsError('FCE_OPTION_INVALID', `--token-file: cannot read ${file}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function unreachable(server: string, cause: unknown): FluxCDEventsError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const why = (inner as { code?: string }).code ?? messageOf(inner);
  return new FluxCDEventsError(
    'FCE_API_UNREACHABLE',
    `no controller answers at ${server} (${why}): start one with "flux-cdevents serve", or set its address ` +
      'with --server; to reach one in a cluster, use "kubectl port-forward" to its UI port 9393',
    { cause },
  );
}

function parseAnswer(text: string): object | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}

function refusal({ code, message, ids }: ErrorAnswer, status: number, server: string): FluxCDEventsError {
  if (typeof code !== 'string' || !code.startsWith('FCE_')) {
    return new FluxCDEventsError('FCE_API_REFUSED', `${server} answered with status ${status}`);
  }
  const hint = status === 401 ? '; give it with --token-file' : '';
  const meant = ids ? `: ${ids.join(', ')}` : '';
  return new FluxCDEventsError(code as FluxCDEventsErrorCode, `${message}${meant}${hint}`);
}

function toQueryString(query: ListQuery): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  return parameters.size > 0 ? `?${parameters}` : '';
}
