import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkPath } from '../src/commands/check.ts';
import { INSTALL_COMPONENTS } from '../src/commands/install.ts';
import { buildManifests, type Manifest, readManifests } from '../src/commands/manifests.ts';
import { EVENT_SOURCE_KINDS, PROVIDER_TYPES } from '../src/flux/crd-enums.ts';
import { parseAddress } from '../src/options/address.ts';
import { resolveServeOptions, serveFlags } from '../src/options/serve-options.ts';
import { fluxServiceAccounts } from '../src/receive/token-review-check.ts';
import { VERSION } from '../src/version.ts';

// Manifests are data of many shapes: they are read freely here.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;

const deploy = join(import.meta.dirname, '../../../deploy');
const text = (path: string) => readFileSync(join(deploy, path), 'utf8');
const component = (name: string) => join(deploy, 'components', name);
const build = (...components: string[]) => buildManifests(join(deploy, 'base'), components.map(component));
const only = (manifests: readonly Manifest[], kind: string): Any => {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  expect(found).toHaveLength(1);
  return found[0];
};
const podOf = (manifests: readonly Manifest[]): Any => only(manifests, 'Deployment').spec.template.spec;
const containerOf = (manifests: readonly Manifest[]): Any => podOf(manifests).containers[0];
const defaultOf = (name: string) => serveFlags().find((option) => option.name() === name)?.defaultValue as string;

const knownFlags = new Set(serveFlags().map((option) => option.name()));

describe('the base', () => {
  const base = build();

  it('has what an installation needs, all of it in the namespace of Flux', () => {
    expect(base.map(({ kind }) => kind).sort()).toEqual([
      'ClusterRole',
      'ClusterRoleBinding',
      'Deployment',
      'NetworkPolicy',
      'PersistentVolumeClaim',
      'PodDisruptionBudget',
      'Service',
      'ServiceAccount',
    ]);
    for (const { kind, metadata } of base) {
      expect(metadata.name).toBe('flux-cdevents');
      expect(metadata.namespace).toBe(kind.startsWith('Cluster') ? undefined : 'flux-system');
    }
  });

  it('selects the pods by labels that they have, and that nothing of Flux has', () => {
    const { selector, template } = only(base, 'Deployment').spec;
    for (const labels of [
      selector.matchLabels,
      only(base, 'Service').spec.selector,
      only(base, 'NetworkPolicy').spec.podSelector.matchLabels,
      only(base, 'PodDisruptionBudget').spec.selector.matchLabels,
    ]) {
      expect(template.metadata.labels).toMatchObject(labels);
      expect(labels).toEqual(selector.matchLabels);
    }
    // "flux uninstall" and "flux check" go by this label.
    for (const { metadata } of base as Any[]) expect(metadata.labels['app.kubernetes.io/part-of']).not.toBe('flux');
  });

  it('runs the image of this version', () => {
    expect(containerOf(base).image).toBe(`ghcr.io/flux-cdevents/flux-cdevents:v${VERSION}`);
  });

  it('is as locked down as a Flux controller', () => {
    expect(containerOf(base).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(podOf(base).securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532, fsGroup: 65532 });
    expect(podOf(base)).not.toHaveProperty('hostNetwork');
  });

  it('writes to its volume and to a temporary folder, and nowhere else', () => {
    const { volumeMounts, args } = containerOf(base);
    expect(volumeMounts).toEqual([
      { name: 'data', mountPath: '/data' },
      { name: 'temp', mountPath: '/tmp' },
    ]);
    expect(args).toContain('--data-dir=/data');
    const [data] = podOf(base).volumes;
    expect(data.persistentVolumeClaim.claimName).toBe(only(base, 'PersistentVolumeClaim').metadata.name);
  });

  it('never has two pods on one volume', () => {
    const { replicas, strategy } = only(base, 'Deployment').spec;
    expect([replicas, strategy]).toEqual([1, { type: 'Recreate' }]);
    expect(only(base, 'PodDisruptionBudget').spec.maxUnavailable).toBe(1);
  });

  it('gives a stopping pod longer than it drains', () => {
    const [, drainMs] =
      /DRAIN_MS = ([\d_]+)/.exec(readFileSync(join(deploy, '../packages/flux-cdevents/src/app.ts'), 'utf8')) ?? [];
    expect(podOf(base).terminationGracePeriodSeconds * 1000).toBeGreaterThan(Number(drainMs?.replaceAll('_', '')));
  });

  it('keeps the variables of its own Service away from those of the flags', () => {
    expect(podOf(base).enableServiceLinks).toBe(false);
    expect(containerOf(base).env.map(({ name }: Any) => name)).toEqual(['RUNTIME_NAMESPACE']);
  });

  it('names the ports where serve listens, and reaches them by these names', () => {
    const { ports, startupProbe, livenessProbe, readinessProbe } = containerOf(base);
    expect(Object.fromEntries(ports.map(({ name, containerPort }: Any) => [name, containerPort]))).toEqual({
      http: parseAddress(defaultOf('events-addr'))?.port,
      'http-prom': parseAddress(defaultOf('metrics-addr'))?.port,
      healthz: parseAddress(defaultOf('health-addr'))?.port,
    });
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) expect(httpGet.port).toBe('healthz');
    expect([livenessProbe.httpGet.path, readinessProbe.httpGet.path]).toEqual(['/healthz', '/readyz']);
    expect(only(base, 'Service').spec.ports).toMatchObject([
      { port: 80, targetPort: 'http' },
      { port: 8080, targetPort: 'http-prom' },
    ]);
  });

  it('takes events from its namespace only, and has an API on the loopback only', () => {
    const [events, metrics, ...others] = only(base, 'NetworkPolicy').spec.ingress;
    expect(events).toEqual({ from: [{ podSelector: {} }], ports: [{ port: 'http', protocol: 'TCP' }] });
    expect(metrics.ports).toEqual([{ port: 'http-prom', protocol: 'TCP' }]);
    expect(others).toEqual([]);
    expect(containerOf(base).args).toContain('--ui-addr=127.0.0.1:9393');
  });
});

describe('permissions', () => {
  const rules = only(build(), 'ClusterRole').rules as { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  const verbsOf = (resource: string) =>
    rules.filter(({ resources }) => resources.includes(resource)).map(({ verbs }) => verbs);

  it('write nothing but Kubernetes Events', () => {
    const writing = rules.filter(({ verbs }) => verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)));
    expect(writing).toEqual([{ apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] }]);
    expect(JSON.stringify(rules)).not.toContain('*');
  });

  it('are those that the documentation lists', () => {
    const page = readFileSync(join(deploy, '../docs/kubernetes.md'), 'utf8');
    const words = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
    const listed = page.split('\n').flatMap((line) => {
      const [, group = '', resources, verbs] = line.split('|').map((cell) => cell.trim());
      if (!/^(core|`[a-z0-9.-]+\.(io|com)`)$/.test(group) || words(verbs).length === 0) return [];
      return words(resources).map((resource) => `${words(group)[0] ?? ''}/${resource}: ${words(verbs)}`);
    });
    const granted = (only(build('token-review'), 'ClusterRole').rules as typeof rules).flatMap(
      ({ apiGroups, resources, verbs }) => resources.map((resource) => `${apiGroups[0]}/${resource}: ${verbs}`),
    );
    expect(listed.sort()).toEqual(granted.sort());
  });

  it('do not leaf through Secrets', () => {
    expect(verbsOf('secrets')).toEqual([['get']]);
    expect(verbsOf('configmaps')).toEqual([['get']]);
  });

  it.each(EVENT_SOURCE_KINDS)('read the labels of a %s', (kind) => {
    const plural = kind.toLowerCase().replace(/y$/, 'ie').concat('s');
    expect(verbsOf(plural)).toEqual([['get']]);
  });

  it('ask about tokens only with token review', () => {
    expect(JSON.stringify(rules)).not.toContain('tokenreviews');
    expect(only(build('token-review'), 'ClusterRole').rules.at(-1)).toEqual({
      apiGroups: ['authentication.k8s.io'],
      resources: ['tokenreviews'],
      verbs: ['create'],
    });
  });

  it('are those of the ServiceAccount that the pod has', () => {
    const base = build();
    expect(only(base, 'ClusterRoleBinding')).toMatchObject({
      roleRef: { kind: 'ClusterRole', name: 'flux-cdevents' },
      subjects: [{ kind: 'ServiceAccount', name: podOf(base).serviceAccountName, namespace: 'flux-system' }],
    });
  });
});

describe('components', () => {
  it.each([[], ...INSTALL_COMPONENTS.map((name) => [name])])('serve understands the arguments with %j', (...names) => {
    const { args, command } = containerOf(build(...names));
    expect([command, args[0]]).toEqual([undefined, 'serve']);
    const serve = new Command().exitOverride();
    for (const option of serveFlags()) serve.addOption(option);
    serve.parse(
      args.slice(1).map((arg: string) => arg.replaceAll('$(RUNTIME_NAMESPACE)', 'flux-system')),
      { from: 'user' },
    );
    expect(serve.args).toEqual([]);
    expect(resolveServeOptions(serve.opts())).toMatchObject({ storePath: '/data/outbox.db' });
  });

  it('forward: every event goes on to the notification-controller', () => {
    expect(containerOf(build('forward')).args.at(-1)).toMatch(/^--forward-to=http:\/\/notification-controller\./);
  });

  it('webhook: only the notification-controller comes through', () => {
    const [events] = only(build('webhook'), 'NetworkPolicy').spec.ingress;
    expect(events.from).toEqual([{ podSelector: { matchLabels: { app: 'notification-controller' } } }]);
  });

  it('mtls: TLS on 443, nothing on 80, files where the flags say', () => {
    const manifests = build('mtls');
    expect(only(manifests, 'Service').spec.ports.map(({ port }: Any) => port)).toEqual([443, 8080]);
    const { volumeMounts, args } = containerOf(manifests);
    const { mountPath, readOnly } = volumeMounts.find(({ name }: Any) => name === 'events-tls');
    expect(readOnly).toBe(true);
    expect(args).toContain(`--events-tls-key=${mountPath}/tls.key`);
    // The controllers that may post with a token are those that may post with a certificate.
    const named = args.filter((arg: string) => arg.startsWith('--events-authorized-spiffe-id='));
    const controllers = fluxServiceAccounts('$(RUNTIME_NAMESPACE)').map(
      ({ namespace, name }) => `--events-authorized-spiffe-id=spiffe://cluster.local/ns/${namespace}/sa/${name}`,
    );
    expect(named.sort()).toEqual(controllers.sort());
  });

  it('events-addr: every Flux controller but the notification-controller posts to the Service', () => {
    const { patches } = parse(text('components/events-addr/kustomization.yaml'));
    const pattern = new RegExp(`^(?:${patches[0].target.name})$`);
    const controllers = 'source kustomize helm image-reflector image-automation'.split(' ');
    for (const name of controllers) expect(`${name}-controller`).toMatch(pattern);
    expect('source-watcher').toMatch(pattern);
    expect('notification-controller').not.toMatch(pattern);
    expect(parse(patches[0].patch)[0].value).toBe('--events-addr=http://flux-cdevents.flux-system.svc.cluster.local./');
  });
});

describe('custom resource definitions', () => {
  const versionsOf = (file: string): Any[] => parse(text(`crds/${file}`)).spec.versions;
  const specOf = (version: Any) => version.schema.openAPIV3Schema.properties.spec;

  it.each([
    ['2.9', ['v1beta3'], PROVIDER_TYPES.filter((type) => type !== 'mastodon')],
    ['2.10', ['v1', 'v1beta3'], PROVIDER_TYPES],
  ])('of Flux %s: %j, with its types and kinds', (flux, names, types) => {
    for (const file of [`flux-${flux}/providers.yaml`, `flux-${flux}/alerts.yaml`]) {
      const versions = versionsOf(file);
      expect(versions.map(({ name }) => name)).toEqual(names);
      expect(versions.map(({ storage }) => storage)).toEqual(names.map((_, index) => index === 0));
      expect(versions.every(({ served }) => served)).toBe(true);
      expect(text(`crds/${file}`)).toContain('Never apply it where Flux is installed');
    }
    for (const version of versionsOf(`flux-${flux}/providers.yaml`)) {
      expect([...specOf(version).properties.type.enum].sort()).toEqual([...types].sort());
      expect('interval' in specOf(version).properties).toBe(version.name !== 'v1');
    }
    for (const version of versionsOf(`flux-${flux}/alerts.yaml`)) {
      expect(specOf(version).properties.eventSources.items.properties.kind.enum).toEqual(EVENT_SOURCE_KINDS);
      expect('summary' in specOf(version).properties).toBe(version.name !== 'v1');
    }
  });

  it('give every field a type, and every object its fields', () => {
    const visit = (schema: Any, path: string): void => {
      expect(schema.type, path).toBeTypeOf('string');
      if (schema.type === 'array') visit(schema.items, `${path}[]`);
      for (const [name, field] of Object.entries(schema.properties ?? {})) visit(field, `${path}.${name}`);
      for (const name of schema.required ?? []) expect(schema.properties, path).toHaveProperty(name);
    };
    for (const file of globSync('flux-*/*s.yaml', { cwd: join(deploy, 'crds') })) {
      for (const version of versionsOf(file)) visit(version.schema.openAPIV3Schema, `${file} ${version.name}`);
    }
  });
});

describe('files', () => {
  it.each(globSync('{base,components,crds}/**/kustomization.yaml', { cwd: deploy }))(
    '%s names what there is',
    (file) => {
      const { resources = [], components = [] } = parse(text(file)) as { resources?: string[]; components?: string[] };
      const folder = join(deploy, file, '..');
      for (const resource of resources) expect(readManifests(join(folder, resource))).toHaveLength(1);
      for (const one of components) expect(() => readFileSync(join(folder, one, 'kustomization.yaml'))).not.toThrow();
      const beside = globSync('*.yaml', { cwd: folder }).filter((name) => name !== 'kustomization.yaml');
      expect(beside.sort()).toEqual([...resources].sort());
    },
  );

  it.each(['cdevents', 'mapping', 'webhook'])('the example %s is right', async (name) => {
    const { problems, counts } = await checkPath(join(deploy, `examples/${name}.yaml`));
    expect(problems).toEqual([]);
    expect(counts).toMatchObject({ errors: 0, warnings: 0 });
  });

  it.each(['tekton', 'knative'])('the example %s is YAML', (name) => {
    for (const { apiVersion, kind, metadata } of readManifests(join(deploy, `examples/${name}.yaml`))) {
      expect([apiVersion, kind, metadata.name]).not.toContain(undefined);
    }
  });
});

describe('the chart', () => {
  const chart = parse(text('chart/flux-cdevents/Chart.yaml'));
  const values = parse(text('chart/flux-cdevents/values.yaml'));
  const schema = JSON.parse(text('chart/flux-cdevents/values.schema.json'));
  const validate = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

  it('has the version of the package', () => {
    expect([chart.version, chart.appVersion]).toEqual([VERSION, VERSION]);
  });

  it('has a schema for every value, and takes no other', () => {
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true);
    expect(Object.keys(schema.properties).filter((name) => name !== 'global')).toEqual(Object.keys(values));
  });

  it.each([
    { replicas: 2 },
    { forward: { enabled: 'true' } },
    { forward: { url: 'notification-controller' } },
    { image: { tags: 'v1' } },
    { image: { digest: 'sha256:1' } },
    { logLevel: 'trace' },
    { cluster: '$(HOME)' },
    { extraArgs: ['rate-limit-interval=5m'] },
    { mtls: { authorizedSpiffeIds: ['spiffe:/x'] } },
    { mtls: { enabled: true, secretName: '' } },
    { persistence: { size: 'large' } },
    { podAnnotations: { a: 1 } },
  ])('refuses %j', (wrong) => expect(validate({ ...values, ...wrong })).toBe(false));

  it('uses every value, and no flag that serve does not know', () => {
    const templates = globSync('templates/*', { cwd: join(deploy, 'chart/flux-cdevents') })
      .map((file) => text(`chart/flux-cdevents/${file}`))
      .join('\n');
    for (const name of Object.keys(values)) expect(templates).toMatch(new RegExp(`\\.Values\\.${name}\\b`));
    const args =
      text('chart/flux-cdevents/templates/deployment.yaml') + text('chart/flux-cdevents/templates/_helpers.tpl');
    for (const [, name = ''] of args.matchAll(/[ "]--([a-z][a-z-]+)/g)) expect(knownFlags).toContain(name);
  });
});

describe('the documentation', () => {
  const install = readFileSync(join(deploy, '../docs/install.md'), 'utf8');
  const blocks = [...install.matchAll(/^ *```yaml\n([\s\S]*?)^ *```$/gm)].map(([, block = '']) =>
    block.replaceAll(new RegExp(`^${/^ */.exec(block)?.[0] ?? ''}`, 'gm'), ''),
  );
  const patchesOf = (source: string) =>
    (parse(source).patches as Any[]).map(({ target, patch }) => ({ target, patch: parse(patch) }));

  it('has the patches of the components, to be copied', () => {
    const forFlux = blocks.find((block) => block.includes('gotk-components.yaml')) ?? '';
    expect(patchesOf(forFlux)).toEqual([
      ...patchesOf(text('components/provider-crd/kustomization.yaml')),
      ...patchesOf(text('components/events-addr/kustomization.yaml')),
    ]);
  });

  it('patches the SPIFFE IDs where they are', () => {
    const [, first, last] = /positions (\d+) to (\d+) of the arguments/.exec(install) ?? [];
    const { args } = containerOf(build('mtls'));
    const positions = args.flatMap((arg: string, at: number) => (arg.includes('-spiffe-id=') ? [at] : []));
    expect([positions.at(0), positions.at(-1)]).toEqual([Number(first), Number(last)]);
  });

  it('shows Providers and Alerts that are right', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flux-cdevents-docs-'));
    try {
      const objects = blocks.filter((block) => block.includes('kind: Provider\n'));
      expect(objects).toHaveLength(2);
      objects.forEach((block, index) => {
        writeFileSync(join(folder, `${index}.yaml`), block.replaceAll('name: cdevents\n', `name: cdevents-${index}\n`));
      });
      const { problems } = await checkPath(folder);
      // The Secret is made on the command line.
      expect(
        problems.filter(({ found, expected }) => !found.includes('Secret') && !expected.includes('Secret')),
      ).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('runs the receiver so that the variables of our Service do not reach its flags', () => {
    const [, args = ''] = / -- (sink .+)\n/.exec(install) ?? [];
    expect(args).toContain('--port ');
  });

  it('names components, files and versions that there are', () => {
    for (const page of ['install', 'troubleshooting', 'security-model']) {
      const markdown = readFileSync(join(deploy, `../docs/${page}.md`), 'utf8');
      for (const [, link = ''] of markdown.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
        expect(existsSync(join(deploy, '../docs', link)), `${page}: ${link}`).toBe(true);
      }
      for (const [, name = ''] of markdown.matchAll(/deploy\/components\/([a-z0-9.-]+)\?/g)) {
        expect(existsSync(component(name)), name).toBe(true);
      }
      for (const [version] of markdown.matchAll(/(?<=[:=])v\d+\.\d+\.\d+/g)) expect(version).toBe(`v${VERSION}`);
    }
  });
});
