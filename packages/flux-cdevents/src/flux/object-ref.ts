/** A namespace and a name: how Flux objects refer to each other within a kind. */
export interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

/** The object that a Flux event is about, as in Kubernetes' `ObjectReference`. */
export interface InvolvedObject extends NamespacedName {
  readonly kind: string;
  readonly apiVersion?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** `flux-system/hub`: how a Provider or an Alert is named in messages, logs, metrics and keys. */
export const nameOf = ({ namespace, name }: NamespacedName): string => `${namespace}/${name}`;

/** The reverse of `nameOf`; undefined when the text is not `namespace/name`. */
export const parseName = (text: string): NamespacedName | undefined => {
  const [namespace, name, ...rest] = text.split('/');
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined;
};

/** The API group of an object: `helm.toolkit.fluxcd.io`; empty for the core group or when unknown. */
export const apiGroupOf = ({ apiVersion = '' }: { readonly apiVersion?: string }): string => {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
};

/**
 * Identifies an object across API versions, and after it was deleted and created again. The memory of the object has
 * this key.
 */
export const objectKey = (object: InvolvedObject): string =>
  `${apiGroupOf(object)}/${object.kind}/${object.namespace}/${object.name}`;
