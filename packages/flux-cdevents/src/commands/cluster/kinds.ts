/** The API groups of the kinds that `eventSources` may name. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'source.toolkit.fluxcd.io': [
    'Bucket',
    'ExternalArtifact',
    'GitRepository',
    'HelmChart',
    'HelmRepository',
    'OCIRepository',
  ],
  'source.extensions.fluxcd.io': ['ArtifactGenerator'],
  'kustomize.toolkit.fluxcd.io': ['Kustomization'],
  'helm.toolkit.fluxcd.io': ['HelmRelease'],
  'image.toolkit.fluxcd.io': ['ImagePolicy', 'ImageRepository', 'ImageUpdateAutomation'],
};

/** The API group and the plural of a kind that an Alert may select; undefined for any other kind. */
export function resourceOfKind(kind: string): { readonly group: string; readonly resource: string } | undefined {
  const found = Object.entries(GROUPS).find(([, kinds]) => kinds.includes(kind));
  if (!found) return undefined;
  return { group: found[0], resource: `${kind.toLowerCase()}s`.replace(/ys$/, 'ies') };
}
