import { Agent, request as httpsRequest } from 'node:https';
import { parseAllDocuments } from 'yaml';
import { eventually } from './wait.ts';

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** The address of an API server and the identity to use there. */
export interface Access {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

/** The API server refused a request. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Ref = Pick<KubeObject, 'apiVersion' | 'kind'> & {
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** As much of a Kubernetes client as the tests need: server-side apply with strict validation, as kubectl does it. */
export interface Api {
  readonly access: Access;
  /** Sends any request and returns the JSON of the answer. @throws {ApiError} unless its status is 2xx */
  request<T = unknown>(method: string, path: string, body?: unknown, contentType?: string): Promise<T>;
  /**
   * Applies YAML documents or objects, one after the other; after a CRD it waits until the API server serves it.
   * @throws {ApiError} for an unknown field or an invalid value, too
   */
  apply(manifests: string | readonly KubeObject[]): Promise<KubeObject[]>;
  get<T extends KubeObject = KubeObject>(ref: Ref): Promise<T>;
  /** JSON merge patch. */
  patch(ref: Ref, patch: unknown): Promise<KubeObject>;
  /** Resolves when the object is deleted; for a CRD, when its objects are gone as well. */
  delete(ref: Ref): Promise<void>;
  list<T extends KubeObject = KubeObject>(apiVersion: string, kind: string, namespace?: string): Promise<T[]>;
  /** Deletes all objects of a kind in a namespace. */
  clear(apiVersion: string, kind: string, namespace: string): Promise<void>;
  namespace(name: string): Promise<void>;
  /** Requests a token for a ServiceAccount (TokenRequest). @param audience @default the API server's */
  tokenFor(namespace: string, serviceAccount: string, audience?: string): Promise<string>;
  close(): void;
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export const documentsIn = (yaml: string): KubeObject[] =>
  parseAllDocuments(yaml).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    return (document.toJS() as KubeObject | null) ?? [];
  });

export function createApi(access: Access): Api {
  const agent = new Agent({ ca: access.ca, keepAlive: true, maxSockets: 64 });
  const resources = new Map<string, readonly Resource[]>();

  const request = <T>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<T> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${access.token}`, accept: 'application/json' };
      const outgoing = httpsRequest(
        `${access.url}${path}`,
        { method, agent, headers: body === undefined ? headers : { ...headers, 'content-type': contentType } },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const status = answer.statusCode ?? 0;
            if (status >= 300) reject(new ApiError(status, `${method} ${path}: ${status} ${messageIn(text)}`));
            else resolve((text.startsWith('{') ? JSON.parse(text) : text) as T);
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });

  const base = (apiVersion: string) => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);
  const resourceOf = async (apiVersion: string, kind: string): Promise<Resource> => {
    const find = () => resources.get(apiVersion)?.find((one) => one.kind === kind && !one.name.includes('/'));
    if (!find()) {
      const found = await request<{ resources: Resource[] }>('GET', base(apiVersion));
      resources.set(apiVersion, found.resources);
    }
    const resource = find();
    if (!resource) throw new ApiError(404, `${apiVersion} ${kind} is not served`);
    return resource;
  };
  const collection = async (apiVersion: string, kind: string, namespace?: string) => {
    const { name, namespaced } = await resourceOf(apiVersion, kind);
    return `${base(apiVersion)}${namespaced && namespace ? `/namespaces/${namespace}` : ''}/${name}`;
  };
  const pathOf = async ({ apiVersion, kind, metadata }: Ref) =>
    `${await collection(apiVersion, kind, metadata.namespace ?? 'default')}/${metadata.name}`;

  const api: Api = {
    access,
    request,
    async apply(manifests) {
      const applied: KubeObject[] = [];
      for (const object of typeof manifests === 'string' ? documentsIn(manifests) : manifests) {
        const query = 'fieldManager=e2e&fieldValidation=Strict&force=true';
        const path = `${await pathOf(object)}?${query}`;
        applied.push(await request<KubeObject>('PATCH', path, object, 'application/apply-patch+yaml'));
        if (object.kind === 'CustomResourceDefinition') await untilServed(object);
      }
      return applied;
    },
    get: async (ref) => request('GET', await pathOf(ref)),
    patch: async (ref, patch) => request('PATCH', await pathOf(ref), patch, 'application/merge-patch+json'),
    async delete(ref) {
      const path = await pathOf(ref);
      await request('DELETE', path);
      if (ref.kind === 'CustomResourceDefinition') await untilGone(path);
    },
    list: async <T extends KubeObject>(apiVersion: string, kind: string, namespace?: string) =>
      (await request<{ items: T[] }>('GET', await collection(apiVersion, kind, namespace))).items,
    clear: async (apiVersion, kind, namespace) =>
      void (await request('DELETE', await collection(apiVersion, kind, namespace))),
    namespace: async (name) => void (await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }])),
    async tokenFor(namespace, serviceAccount, audience) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
      const spec = { expirationSeconds: 3600, ...(audience && { audiences: [audience] }) };
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
      return (await request<{ status: { token: string } }>('POST', path, body)).status.token;
    },
    close: () => agent.destroy(),
  };

  const untilGone = (path: string) =>
    eventually(async () => {
      const found = await request('GET', path).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      });
      if (found !== undefined) throw new Error(`${path} is still there`);
    });

  async function untilServed(crd: KubeObject): Promise<void> {
    const { group, names, versions } = crd.spec as {
      group: string;
      names: { kind: string };
      versions: { name: string; served: boolean }[];
    };
    for (const { name } of versions.filter(({ served }) => served)) {
      await eventually(async () => {
        resources.delete(`${group}/${name}`);
        await request('GET', await collection(`${group}/${name}`, names.kind));
      });
    }
  }
  return api;
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}
