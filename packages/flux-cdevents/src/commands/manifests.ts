import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { type PatchOperation, patched } from './json-patch.ts';

/** A Kubernetes object, with the fields that this program reads. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** A patch as in Kustomize: it changes the objects of one kind whose whole name matches a regular expression. */
export interface ManifestPatch {
  readonly target: { readonly kind: string; readonly name: string };
  readonly operations: readonly PatchOperation[];
}

/** The fields of a kustomization.yaml that our folders use. `readKustomization` refuses all other fields. */
interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly { readonly target: ManifestPatch['target']; readonly patch: string }[];
}

const KNOWN_FIELDS = ['apiVersion', 'kind', 'resources', 'components', 'patches'];

/** The folder with the manifests: beside `src` in a published package, at the root in a checkout. */
export const manifestsFolder = (): string => {
  const [published = '', checkout = ''] = ['../..', '../../../..'].map((up) => join(import.meta.dirname, up, 'deploy'));
  return existsSync(join(published, 'base')) ? published : checkout;
};

/** Builds the objects of a folder and applies components, as `kubectl kustomize` does with the same files. */
export function buildManifests(folder: string, components: readonly string[] = []): Manifest[] {
  return components.reduce(
    (manifests, component) => withComponent(manifests, component),
    withComponent([], folder, readKustomization(folder)),
  );
}

function withComponent(
  manifests: readonly Manifest[],
  folder: string,
  { resources = [], components = [], patches = [] } = readKustomization(folder),
): Manifest[] {
  const own = resources.flatMap((file) => readManifests(join(folder, file)));
  const composed = components.reduce(
    (below, component) => withComponent(below, join(folder, component)),
    [...manifests, ...own],
  );
  return withPatches(
    composed,
    patches.map(({ target, patch }) => ({ target, operations: parse(patch) as PatchOperation[] })),
  );
}

/** @throws {Error} when a patch does not apply */
export const withPatches = (manifests: readonly Manifest[], patches: readonly ManifestPatch[]): Manifest[] =>
  patches.reduce<Manifest[]>(
    (before, { target, operations }) =>
      before.map((manifest) => (isTarget(manifest, target) ? patched(manifest, operations) : manifest)),
    [...manifests],
  );

const isTarget = ({ kind, metadata }: Manifest, target: ManifestPatch['target']): boolean =>
  kind === target.kind && new RegExp(`^(?:${target.name})$`).test(metadata.name);

/** Moves objects to another namespace, and updates the subjects that refer to them. */
export const inNamespace = (manifests: readonly Manifest[], namespace: string): Manifest[] =>
  manifests.map(({ metadata, ...manifest }) => ({
    ...(manifest as Omit<Manifest, 'metadata'>),
    metadata: metadata.namespace === undefined ? metadata : { ...metadata, namespace },
    ...(Array.isArray(manifest.subjects) && {
      subjects: manifest.subjects.map((subject: object) => ({ ...subject, namespace })),
    }),
  })) as Manifest[];

/** @throws {Error} when a file is not valid YAML */
export const readManifests = (file: string): Manifest[] =>
  parseAllDocuments(readFileSync(file, 'utf8'), { prettyErrors: true })
    .map((document) => {
      if (document.errors[0]) throw new Error(`${file}: ${document.errors[0].message}`);
      return document.toJS() as Manifest | null;
    })
    .filter((manifest) => manifest !== null);

function readKustomization(folder: string): Kustomization {
  const file = join(folder, 'kustomization.yaml');
  const kustomization = parse(readFileSync(file, 'utf8')) as Kustomization;
  const unknown = Object.keys(kustomization).filter((field) => !KNOWN_FIELDS.includes(field));
  if (unknown.length > 0) throw new Error(`${file}: unsupported fields: ${unknown.join(', ')}`);
  return kustomization;
}
