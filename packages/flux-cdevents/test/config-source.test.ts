import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
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
  const directory = await mkdtemp(join(tmpdir(), 'flux-cdevents-contract-'));
  const fileOf = ({ kind, metadata }: TestObject) => join(directory, `${kind}-${metadata.name}.json`);
  return {
    async put(object) {
      await writeFile(`${fileOf(object)}.new`, JSON.stringify(object));
      await rename(`${fileOf(object)}.new`, fileOf(object));
    },
    delete: (object) => rm(fileOf(object)),
    create: () => createFileSource({ ...common, directory, settleMs: 20, rescanMs: 50 }),
    close: () => rm(directory, { recursive: true }),
  };
});

describeConfigSource('an API server', async () => {
  const server = await startFakeApiServer();
  serveNotification(server);
  return {
    put: async (object) => void server.put(object),
    delete: async (object) => server.delete(object),
    create: () =>
      createKubernetesSource({
        ...common,
        api: server.client(),
        settleMs: 10,
        referencesRefreshMs: 20,
        referencesRetryMs: 20,
        qps: 10_000,
      }),
    close: () => server.close(),
  };
});
