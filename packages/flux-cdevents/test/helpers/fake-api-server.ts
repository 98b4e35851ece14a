import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createKubeClient, type KubeClient, type KubeClientOptions } from '../../src/kube-api/kube-client.ts';

/** An object as a test writes it: the server adds uid and resourceVersion. */
export interface TestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface RecordedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Parsed JSON. */
  readonly body: unknown;
  /** From `performance.now()`. */
  readonly at: number;
}

/** How requests fail: with a status, by a broken connection, or by an answer that never comes. */
export type Failure = number | 'disconnect' | 'hang';

export interface FailureOptions {
  /** How many requests fail. @default 1 */
  readonly times?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Only watches or only other requests. @default both */
  readonly only?: 'watch' | 'request';
}

/** A verdict of `TokenReview`, as the API server puts it into `status`. */
export type ReviewStatus = Readonly<Record<string, unknown>>;

/**
 * The edges of an API server on a loopback port, driven by a test: lists in pages, watches, discovery, objects by name, Events,
 * TokenReviews. It stores what it is given and validates nothing. How a real API server behaves is tested in e2e.
 */
export interface FakeApiServer {
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** Objects in a page of a list. @default 500 */
  pageSize: number;
  /** Answers TokenReviews. @default not authenticated */
  review: (token: string) => ReviewStatus;
  /** Serves resource types: `serve('v1', { Secret: 'secrets' })`. The first version of a group is the preferred one. */
  serve(apiVersion: string, kinds: Readonly<Record<string, string>>): void;
  /** Serves a version of the API no more. Its objects stay and are served in the other versions of the group. */
  unserve(apiVersion: string): void;
  /** Creates or replaces an object. A replaced object keeps its uid. @returns its resourceVersion */
  put(object: TestObject): string;
  delete(object: TestObject): void;
  /** Deletes an object without a word to the watches, as if it happened while nobody watched. */
  deleteUnseen(object: TestObject): void;
  /** Sends a bookmark with the present resourceVersion to every watch. @returns the resourceVersion */
  bookmark(): string;
  /** Forgets all changes so far: a watch from an older resourceVersion is answered 410, as is a continue token. */
  expireHistory(how?: 'status' | 'event'): void;
  /** Sends raw text to every watch. */
  sendRaw(text: string): void;
  /** Breaks the connection of every watch. */
  breakWatches(): void;
  /** Ends every watch in an orderly way. */
  endWatches(): void;
  /** Lets requests fail whose path contains the text. The rules that were added first apply first. */
  fail(path: string, failure: Failure, options?: FailureOptions): void;
  /** Removes all rules of `fail`, and answers nothing that hangs. */
  heal(): void;
  /** Requests whose path contains the text. */
  to(path: string, method?: string): readonly RecordedRequest[];
  /** Watches that are open now. */
  readonly watches: number;
  /** Connections that were opened so far. */
  readonly connections: number;
  /** Stored objects of a kind. */
  stored(kind: string): readonly TestObject[];
  client(options?: Partial<KubeClientOptions>): KubeClient;
  /** Closes the clients too. */
  close(): Promise<void>;
}

interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: TestObject;
}

interface Watch {
  readonly response: ServerResponse;
  readonly where: Location;
}

/** What a path names. */
interface Location {
  readonly apiVersion: string;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

interface Rule {
  readonly path: string;
  readonly failure: Failure;
  readonly options: FailureOptions;
  left: number;
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');
const keyOf = ({ apiVersion, kind, metadata }: TestObject): string =>
  [groupOf(apiVersion), kind, metadata.namespace, metadata.name].join('/');

export async function startFakeApiServer(): Promise<FakeApiServer> {
  const requests: RecordedRequest[] = [];
  const objects = new Map<string, TestObject>();
  const served = new Map<string, Readonly<Record<string, string>>>();
  const watches = new Set<Watch>();
  const clients: KubeClient[] = [];
  let rules: Rule[] = [];
  let history: Change[] = [];
  let version = 100;
  let oldest = 0;
  let expiredAs: 'status' | 'event' = 'status';
  let uids = 0;
  let connections = 0;

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api');
      const text = Buffer.concat(chunks).toString('utf8');
      const recorded: RecordedRequest = {
        method: request.method ?? 'GET',
        path: pathname,
        query: searchParams,
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
        at: performance.now(),
      };
      requests.push(recorded);
      const rule = ruleFor(recorded);
      if (rule) failWith(rule, response);
      else answer(recorded, response);
    });
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const ruleFor = ({ path, query }: RecordedRequest): Rule | undefined => {
    const kind = query.get('watch') === 'true' ? 'watch' : 'request';
    const found = rules.find(
      (rule) => rule.left > 0 && path.includes(rule.path) && (rule.options.only ?? kind) === kind,
    );
    if (found) found.left--;
    return found;
  };
  const failWith = ({ failure, options }: Rule, response: ServerResponse) => {
    if (failure === 'disconnect') response.destroy();
    else if (failure !== 'hang') send(response, failure, status(failure, 'as the test asked for'), options.headers);
  };
  const send = (response: ServerResponse, code: number, body: unknown, headers = {}) =>
    void response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

  const answer = (request: RecordedRequest, response: ServerResponse) => {
    const { method, path, query } = request;
    if (path.endsWith('/tokenreviews')) {
      const { token } = (request.body as { spec: { token: string } }).spec;
      return send(response, 201, { kind: 'TokenReview', status: fake.review(token) });
    }
    const found = discovery(path);
    if (found) return send(response, 200, found);
    const where = locate(path);
    if (!where) return send(response, 404, status(404, `${path} is not served`));
    if (method === 'POST') return send(response, 201, store({ ...(request.body as TestObject) }));
    if (where.name !== undefined) return answerOne(where, request, response);
    if (query.get('watch') === 'true') return openWatch(where, Number(query.get('resourceVersion')), response);
    return answerList(where, query, response);
  };

  const discovery = (path: string): object | undefined => {
    const [, root, group, ...rest] = path.split('/');
    const apiVersion = [group, ...rest].join('/');
    const kinds = served.get(apiVersion);
    if (kinds) {
      const resources = Object.entries(kinds).map(([kind, name]) => ({ kind, name, namespaced: true }));
      return { kind: 'APIResourceList', groupVersion: apiVersion, resources };
    }
    if (root !== 'apis' || rest.length > 0) return undefined;
    const versions = [...served.keys()]
      .filter((name) => groupOf(name) === group)
      .map((name) => ({ groupVersion: name, version: name.split('/')[1] }));
    return versions.length > 0 ? { kind: 'APIGroup', versions, preferredVersion: versions[0] } : undefined;
  };

  const locate = (path: string): Location | undefined => {
    const [, root, ...parts] = path.split('/').map(decodeURIComponent);
    const apiVersion = parts.splice(0, root === 'api' ? 1 : 2).join('/');
    const namespace = parts[0] === 'namespaces' ? parts.splice(0, 2)[1] : undefined;
    const [resource, name] = parts;
    const kind = Object.entries(served.get(apiVersion) ?? {}).find(([, plural]) => plural === resource)?.[0];
    return kind === undefined ? undefined : { apiVersion, group: groupOf(apiVersion), kind, namespace, name };
  };

  const isWithin = ({ group, kind, namespace }: Location, object: TestObject): boolean =>
    groupOf(object.apiVersion) === group &&
    object.kind === kind &&
    (namespace === undefined || object.metadata.namespace === namespace);

  const answerOne = (where: Location, { method, headers, body }: RecordedRequest, response: ServerResponse) => {
    const { apiVersion, group, kind, namespace, name } = where;
    const object = objects.get([group, kind, namespace, name].join('/'));
    if (!object) {
      return send(response, 404, { ...status(404, `${kind} "${name}" not found`), details: { name } });
    }
    if (method === 'PATCH') return send(response, 200, store({ ...object, ...(body as object) }));
    if (headers.accept?.includes('as=PartialObjectMetadata')) {
      return send(response, 200, {
        apiVersion: 'meta.k8s.io/v1',
        kind: 'PartialObjectMetadata',
        metadata: object.metadata,
      });
    }
    return send(response, 200, { ...object, apiVersion });
  };

  /** A continue token names the resourceVersion of the list and how many objects came before. */
  const answerList = (where: Location, query: URLSearchParams, response: ServerResponse) => {
    const [listed = version, from = 0] = (query.get('continue') ?? '').split('-').filter(Boolean).map(Number);
    if (listed < oldest) return send(response, 410, status(410, 'the continue token is too old'));
    const all = [...objects.values()].filter((object) => isWithin(where, object));
    const to = from + fake.pageSize;
    send(response, 200, {
      kind: `${where.kind}List`,
      apiVersion: where.apiVersion,
      metadata: { resourceVersion: String(listed), ...(to < all.length && { continue: `${listed}-${to}` }) },
      items: all.slice(from, to).map(({ apiVersion: _, kind: __, ...rest }) => rest),
    });
  };

  const openWatch = (where: Location, from: number, response: ServerResponse) => {
    const gone = status(410, `too old resource version: ${from}`);
    if (from < oldest && expiredAs === 'status') return send(response, 410, gone);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < oldest) return void response.end(line('ERROR', gone));
    const watch: Watch = { response, where };
    watches.add(watch);
    response.on('close', () => watches.delete(watch));
    for (const change of history) if (change.version > from) sendChange(watch, change);
  };
  const sendChange = ({ response, where }: Watch, { type, object }: Change) => {
    if (isWithin(where, object)) response.write(line(type, { ...object, apiVersion: where.apiVersion }));
  };

  const record = (type: Change['type'], object: TestObject) => {
    const change: Change = { version, type, object };
    history.push(change);
    for (const watch of watches) sendChange(watch, change);
  };
  const withVersion = (object: TestObject): TestObject => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(++version) },
  });
  const store = (object: TestObject): TestObject => {
    const before = objects.get(keyOf(object));
    const uid = before?.metadata.uid ?? `uid-${++uids}`;
    const stored = withVersion({ ...object, metadata: { uid, ...object.metadata } });
    objects.set(keyOf(object), stored);
    record(before ? 'MODIFIED' : 'ADDED', stored);
    return stored;
  };

  const fake: FakeApiServer = {
    url,
    requests,
    pageSize: 500,
    review: () => ({ authenticated: false }),
    serve: (apiVersion, kinds) => void served.set(apiVersion, { ...served.get(apiVersion), ...kinds }),
    unserve: (apiVersion) => void served.delete(apiVersion),
    put: (object) => String(store(object).metadata.resourceVersion),
    delete(object) {
      const before = objects.get(keyOf(object));
      if (!before) throw new Error(`${keyOf(object)} is not there`);
      objects.delete(keyOf(object));
      record('DELETED', withVersion(before));
    },
    deleteUnseen(object) {
      objects.delete(keyOf(object));
      version++;
    },
    bookmark() {
      for (const { response, where } of watches) {
        const { apiVersion, kind } = where;
        response.write(line('BOOKMARK', { apiVersion, kind, metadata: { resourceVersion: String(version) } }));
      }
      return String(version);
    },
    expireHistory(how = 'status') {
      oldest = ++version;
      history = [];
      expiredAs = how;
    },
    sendRaw(text) {
      for (const { response } of watches) response.write(text);
    },
    breakWatches() {
      for (const { response } of watches) response.destroy();
    },
    endWatches() {
      for (const { response } of watches) response.end();
    },
    fail: (path, failure, options = {}) => void rules.push({ path, failure, options, left: options.times ?? 1 }),
    heal() {
      rules = [];
    },
    to: (path, method) =>
      requests.filter((request) => request.path.includes(path) && (method ?? request.method) === request.method),
    get watches() {
      return watches.size;
    },
    get connections() {
      return connections;
    },
    stored: (kind) => [...objects.values()].filter((object) => object.kind === kind),
    client(options = {}) {
      const access = { server: url, credentials: async () => ({ headers: {}, tls: {} }), renew() {} };
      const client = createKubeClient({ access, ...options });
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;

const reasons: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  404: 'NotFound',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};
const status = (code: number, message: string): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  reason: reasons[code] ?? 'Unknown',
  message,
  code,
});
