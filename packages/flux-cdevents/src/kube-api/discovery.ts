import { type ApiResponse, describeAnswer, type KubeClient } from './kube-client.ts';

/** A resource type as an API server serves it. */
export interface ServedResource {
  /** `notification.toolkit.fluxcd.io/v1`. */
  readonly apiVersion: string;
  /** Plural, as in paths: `alerts`. */
  readonly resource: string;
  readonly kind: string;
}

/** Whether a text can be the name of an object. Any other text must not get into a path. */
export const isObjectName = (name: string): boolean => name !== '.' && name !== '..' && /^[^/%]{1,253}$/.test(name);

/** Whether a text can be an `apiVersion`: `v1`, `apps/v1`. */
export const isApiVersion = (text: string): boolean => /^(?:[a-z0-9][a-z0-9.-]{0,252}\/)?[a-z0-9]{1,63}$/.test(text);

/** The path of a resource type, in one namespace when it is given. */
export function resourcePath({ apiVersion, resource }: Omit<ServedResource, 'kind'>, namespace?: string): string {
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${versionPath(apiVersion)}${within}/${resource}`;
}

/** The path of one object. */
export const objectPath = (
  type: Omit<ServedResource, 'kind'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string => `${resourcePath(type, namespace)}/${encodeURIComponent(name)}`;

const versionPath = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/**
 * Asks an API server what it serves, which every authenticated user may do (ClusterRole `system:discovery`).
 * @throws when no answer came, one with another status than 200 and 404, or one that is not what was asked for
 */
export interface Discovery {
  /** The versions of a group, the server's preferred one first; empty when there is no such group. */
  versions(group: string): Promise<readonly string[]>;
  /** The resource types of a version, without subresources; undefined when the version is not served. */
  resources(apiVersion: string): Promise<readonly ServedResource[] | undefined>;
}

export function createDiscovery(api: Pick<KubeClient, 'request'>): Discovery {
  const get = async (path: string): Promise<ApiResponse | undefined> => {
    const response = await api.request({ path });
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw new Error(`discovery of ${path}: ${describeAnswer(response)}`);
    return response;
  };
  return {
    async versions(group) {
      const response = await get(`/apis/${group}`);
      if (!response) return [];
      const { versions, preferredVersion } = (response.body ?? {}) as {
        versions?: readonly { readonly version: string }[];
        preferredVersion?: { readonly version: string };
      };
      if (!versions) throw new Error(`discovery of group ${group}: not an APIGroup`);
      const names = versions.map(({ version }) => version);
      const preferred = preferredVersion?.version;
      return preferred === undefined ? names : [preferred, ...names.filter((name) => name !== preferred)];
    },
    async resources(apiVersion) {
      const response = await get(versionPath(apiVersion));
      if (!response) return undefined;
      const { resources } = (response.body ?? {}) as { resources?: readonly { name: string; kind: string }[] };
      if (!resources) throw new Error(`discovery of ${apiVersion}: not an APIResourceList`);
      return resources
        .filter(({ name }) => !name.includes('/'))
        .map(({ name, kind }) => ({ apiVersion, resource: name, kind }));
    },
  };
}
