import { mkdir, mkdtemp, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileSource } from '../src/config/files/file-source.ts';
import { createKubernetesSource } from '../src/config/kubernetes/kubernetes-source.ts';
import { mappingReader } from '../src/mapping/file/read-mapping.ts';
import { silentLogger } from '../src/observe/log.ts';
import { describeConfigSource } from './config-source-contract.ts';
import { startFakeApiServer, type TestObject } from './helpers/fake-api-server.ts';
import { serveNotification } from './helpers/notification-objects.ts';

const common = { readMapping: mappingReader, logger: silentLogger() };

describeConfigSource('files', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'flux-cdevents-contract-'));
  const directory = join(parent, 'config');
  await mkdir(directory);
  /** A link to itself cannot be read by anybody, root included (ELOOP). */
  const hidden = new Map<string, string>();
  const hide = async (path: string) => {
    const aside = join(parent, `hidden-${hidden.size}`);
    await rename(path, aside);
    await symlink(path, path);
    hidden.set(path, aside);
  };
  const fileOf = ({ kind, metadata }: TestObject) => join(directory, `${kind}-${metadata.name}.json`);
  return {
    async put(object) {
      await writeFile(`${fileOf(object)}.new`, JSON.stringify(object));
      await rename(`${fileOf(object)}.new`, fileOf(object));
    },
    delete: (object) => rm(fileOf(object)),
    hide: (object) => hide(fileOf(object)),
    hideAll: () => hide(directory),
    async reveal() {
      for (const [path, aside] of hidden) {
        const isThere = await readlink(path).catch(() => undefined);
        if (isThere === undefined) continue;
        await rm(path);
        await rename(aside, path);
      }
      hidden.clear();
    },
    create: () => createFileSource({ ...common, directory, settleMs: 20, rescanMs: 50 }),
    close: () => rm(parent, { recursive: true }),
  };
});

describeConfigSource('an API server', async () => {
  const server = await startFakeApiServer();
  serveNotification(server);
  return {
    put: async (object) => void server.put(object),
    delete: async (object) => server.delete(object),
    async hide({ kind, metadata: { name } }) {
      const isWatched = kind === 'Alert' || kind === 'Provider';
      const path = isWatched ? `/${kind.toLowerCase()}s` : `/${kind.toLowerCase()}s/${name}`;
      server.fail(path, 503, { times: Number.POSITIVE_INFINITY });
      if (isWatched) server.breakWatches();
    },
    async hideAll() {
      server.fail('/', 503, { times: Number.POSITIVE_INFINITY });
      server.breakWatches();
    },
    reveal: async () => server.heal(),
    create: () =>
      createKubernetesSource({
        ...common,
        api: server.client(),
        settleMs: 10,
        referencesRefreshMs: 20,
        referencesRetryMs: 20,
        retryMs: 20,
        staleAfterMs: 100,
        qps: 10_000,
      }),
    close: () => server.close(),
  };
});
