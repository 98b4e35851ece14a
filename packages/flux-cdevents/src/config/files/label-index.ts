import { apiGroupOf, type InvolvedObject, type NamespacedName } from '../../flux/object-ref.ts';
import type { Labels } from '../config-source.ts';
import type { FileObject } from './read-document.ts';

/** The labels of the objects in a folder, against which `matchLabels` is evaluated. */
export interface LabelIndex {
  /** The labels of an object in any version of its API group; without `apiVersion`, of any group. Undefined when unknown. */
  of(object: InvolvedObject): Labels | undefined;
  /** Whether such an object exists; `*` stands for any name. */
  covers(source: NamespacedName & { readonly kind: string }): boolean;
}

export function createLabelIndex(objects: Iterable<FileObject>): LabelIndex {
  /** kind/namespace → name → API group → labels. */
  const index = new Map<string, Map<string, Map<string, Labels>>>();
  const namesOf = (kind: string, namespace: string) => index.get(`${kind}/${namespace}`);
  for (const { ref, reading } of objects) {
    if (!('labels' in reading)) continue;
    const names = namesOf(reading.type, ref.namespace) ?? new Map<string, Map<string, Labels>>();
    const groups = names.get(ref.name) ?? new Map<string, Labels>();
    names.set(ref.name, groups.set(reading.group, reading.labels));
    index.set(`${reading.type}/${ref.namespace}`, names);
  }
  return {
    of(object) {
      const groups = namesOf(object.kind, object.namespace)?.get(object.name);
      return object.apiVersion ? groups?.get(apiGroupOf(object)) : groups?.values().next().value;
    },
    covers({ kind, namespace, name }) {
      const names = namesOf(kind, namespace);
      return names !== undefined && (name === '*' || names.has(name));
    },
  };
}
