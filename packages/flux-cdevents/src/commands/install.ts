import { join } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { FluxCDEventsError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { createCommand, flag, helpWith } from './command.ts';
import { type Io, note, printLines } from './io.ts';
import {
  buildManifests,
  inNamespace,
  type Manifest,
  type ManifestPatch,
  manifestsFolder,
  withPatches,
} from './manifests.ts';

/** The components of an installation. Their changes to Flux itself belong to Flux's own folder (docs/install.md). */
export const INSTALL_COMPONENTS = ['forward', 'webhook', 'mtls', 'token-review'] as const;
const IMAGE = 'ghcr.io/flux-cdevents/flux-cdevents';

interface InstallFlags {
  readonly export?: true;
  readonly namespace: string;
  readonly image: string;
  readonly version?: string;
  readonly components?: string;
  readonly storageClass?: string;
  readonly storageSize?: string;
  readonly cluster?: string;
}

/** `install --export`: the manifests of an installation, as `flux install --export` prints Flux's. */
export const createInstallCommand = (io: Io): Command =>
  createCommand('install', io)
    .summary('print the manifests of an installation')
    .description(
      'Prints the Kubernetes manifests of flux-cdevents, to be applied or committed. They go into the namespace of Flux. ' +
        'It applies nothing, and the manifests contain nothing of Flux itself.',
    )
    .addOption(flag('--export', 'print the manifests; required, since the command does nothing else'))
    .addOption(flag('--namespace <name>', 'the namespace of Flux', (option) => option.default('flux-system')))
    .addOption(flag('--image <image>', 'container image, without a tag', (option) => option.default(IMAGE)))
    .addOption(flag('--version <tag>', `tag of the image (default: v${VERSION})`))
    .addOption(flag('--components <list>', `comma separated: ${INSTALL_COMPONENTS.join(', ')}`))
    .addOption(flag('--storage-class <name>', 'class of the volume (default: that of the cluster)'))
    .addOption(flag('--storage-size <quantity>', 'size of the volume (default: 1Gi)'))
    .addOption(flag('--cluster <name>', 'name of this cluster in sources, environments and ids'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents install --export | kubectl apply -f -', 'try it'],
        [
          'flux-cdevents install --export --components forward > flux-cdevents.yaml',
          'for a repository that Flux reads',
        ],
      ]),
    )
    .action((flags: InstallFlags) => {
      const { components, image } = checked(flags);
      if (components.includes('token-review') && !components.includes('webhook')) {
        note(io, 'flux-cdevents: the Flux controllers send no token, so token-review refuses their events');
      }
      const head = [
        `# flux-cdevents ${image.replace(/^.*(?=[:@])[:@]/, '')}`,
        `# Components: ${components.join(', ') || 'none'}. Written by "flux-cdevents install --export".`,
      ];
      const documents = installation(flags, components, image).map((one) => `---\n${stringify(one, STYLE)}`);
      printLines(io, `${head.join('\n')}\n${documents.join('').trimEnd()}`);
    });

const STYLE = { lineWidth: 0, aliasDuplicateObjects: false };

/** Reports all issues of the flags at once. */
function checked(flags: InstallFlags): { readonly components: readonly string[]; readonly image: string } {
  const issues: string[] = [];
  const expect = (name: string, value: string | undefined, pattern: RegExp, expected: string) => {
    if (value !== undefined && !pattern.test(value)) issues.push(`--${name}: expected ${expected}, found ${value}`);
  };
  if (!flags.export) {
    issues.push(
      '--export: required, because this command only prints: pipe the output to kubectl apply -f -, or commit it',
    );
  }
  expect('namespace', flags.namespace, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'the name of a namespace');
  expect('image', flags.image, /^[\w.-]+(:\d+)?(\/[\w.-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/, 'a container image');
  expect('version', flags.version, /^[\w.-]+$/, 'a tag such as v0.1.0');
  expect('storage-class', flags.storageClass, /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'the name of a StorageClass');
  expect('storage-size', flags.storageSize, /^[1-9]\d*([KMGT]i?)?$/, 'a quantity such as 10Gi');
  // Kubernetes would expand a dollar sign to an environment variable.
  expect('cluster', flags.cluster, /^[^\s$]+$/, 'a name without spaces and $');
  const components = (flags.components ?? '').split(',').filter(Boolean);
  for (const one of components) {
    const known = INSTALL_COMPONENTS.some((name) => name === one);
    if (!known) issues.push(`--components: expected some of ${INSTALL_COMPONENTS.join(', ')}, found ${one}`);
  }
  if (components.includes('webhook') && components.includes('forward')) {
    issues.push('--components: expected webhook or forward, found both: with forward every Flux controller posts');
  }
  const isTagged = /[:@][^/]+$/.test(flags.image);
  if (isTagged && flags.version !== undefined) issues.push('--version: expected nothing, because --image has a tag');
  if (issues.length > 0) throw new FluxCDEventsError('FCE_OPTION_INVALID', issues.join('\n'));
  const tag = (flags.version ?? VERSION).replace(/^(?=\d+\.\d+\.\d+)/, 'v');
  return { components: [...new Set(components)], image: isTagged ? flags.image : `${flags.image}:${tag}` };
}

function installation(flags: InstallFlags, components: readonly string[], image: string): Manifest[] {
  const folder = manifestsFolder();
  const manifests = buildManifests(
    join(folder, 'base'),
    components.map((component) => join(folder, 'components', component)),
  );
  return inNamespace(withPatches(manifests, patchesOf(flags, image)), flags.namespace);
}

function patchesOf({ cluster, storageClass, storageSize }: InstallFlags, image: string): ManifestPatch[] {
  const patch = (kind: string, op: 'add' | 'replace', path: string, value?: string): ManifestPatch[] =>
    value === undefined ? [] : [{ target: { kind, name: 'flux-cdevents' }, operations: [{ op, path, value }] }];
  const container = '/spec/template/spec/containers/0';
  return [
    ...patch('Deployment', 'replace', `${container}/image`, image),
    ...patch('Deployment', 'add', `${container}/args/-`, cluster && `--cluster=${cluster}`),
    ...patch('PersistentVolumeClaim', 'add', '/spec/storageClassName', storageClass),
    ...patch('PersistentVolumeClaim', 'replace', '/spec/resources/requests/storage', storageSize),
  ];
}
