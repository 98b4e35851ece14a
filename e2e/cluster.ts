import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Access, type Api, createApi } from './api.ts';
import { type Child, startChild, tail } from './process.ts';
import { createTempFolder } from './temp-folder.ts';
import type { Tools } from './tools/tools.ts';
import { eventually, freePorts } from './wait.ts';

/** An etcd and a kube-apiserver for the tests, on loopback, with RBAC; without nodes and controllers. */
export interface Cluster {
  /** Access as the cluster administrator. */
  readonly admin: Api;
  /** Kills the API server; etcd keeps its data. */
  killApiServer(): Promise<void>;
  /** Starts the API server again at its address. Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** Starts a second API server on the same etcd, at another address, for changes while the first one is away. */
  startSecond(): Promise<{ readonly admin: Api; stop(): Promise<void> }>;
  /** Compacts etcd to its latest revision. */
  compact(): Promise<void>;
  /** Stops both and removes their data. */
  stop(): Promise<void>;
}

const START_WITHIN_MS = 60_000;

/** Resolves when the API server is ready, after about four seconds. */
export async function startCluster(tools: Pick<Tools, 'etcd' | 'kubeApiserver'>): Promise<Cluster> {
  const folder = createTempFolder('cluster');
  const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const token = randomBytes(16).toString('hex');
  const file = (name: string, text?: string) => {
    if (text !== undefined) writeFileSync(join(folder.path, name), text, { mode: 0o600 });
    return join(folder.path, name);
  };
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  mkdirSync(file('certs'));

  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = await startChild(tools.etcd, [
    `--data-dir=${file('etcd')}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--log-level=error',
  ]);

  const flags = (securePort: number) => [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${securePort}`,
    `--cert-dir=${file('certs')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    `--service-account-key-file=${file('sa.pub', publicKey)}`,
    `--service-account-signing-key-file=${file('sa.key', privateKey)}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--authorization-mode=RBAC',
    `--token-auth-file=${file('tokens.csv', `${token},admin,admin,system:masters\n`)}`,
    '--disable-admission-plugins=ServiceAccount',
  ];
  const startServer = async (securePort: number): Promise<{ child: Child; admin: Api }> => {
    const child = await startChild(tools.kubeApiserver, flags(securePort));
    const access = () => ({
      url: `https://127.0.0.1:${securePort}`,
      ca: readFileSync(file('certs/apiserver.crt'), 'utf8'),
      token,
    });
    const admin = await eventually(async () => {
      if (!child.running) return undefined; // waiting longer would not help
      const api = createApi(access());
      await api.request('GET', '/readyz').catch((error: unknown) => {
        api.close();
        throw error;
      });
      return api;
    }, START_WITHIN_MS);
    if (!admin) throw new Error(`kube-apiserver did not start:\n${tail(child.lines)}`);
    return { child, admin };
  };

  let first: Awaited<ReturnType<typeof startServer>>;
  try {
    first = await startServer(port);
  } catch (error) {
    await etcd.kill();
    folder.remove();
    throw error;
  }
  return {
    admin: first.admin,
    killApiServer: () => first.child.kill(),
    async startApiServer() {
      const again = await startServer(port);
      again.admin.close();
      first = { child: again.child, admin: first.admin };
    },
    async startSecond() {
      const [securePort = 0] = await freePorts(1);
      const { child, admin } = await startServer(securePort);
      return {
        admin,
        async stop() {
          admin.close();
          await child.kill();
        },
      };
    },
    async compact() {
      const call = async (path: string, body: object) => {
        const answer = await fetch(`${etcdUrl}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
        return (await answer.json()) as { header?: { revision: string } };
      };
      const { header } = await call('range', { key: Buffer.from('/').toString('base64') });
      await call('compaction', { revision: header?.revision, physical: true });
    },
    async stop() {
      first.admin.close();
      await first.child.kill();
      await etcd.kill();
      folder.remove();
    },
  };
}

/** The content of the file for `--kubeconfig`. */
export const kubeconfigFor = ({ url, ca, token }: Access): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'e2e', cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'e2e', user: { token } }],
    contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: 'e2e' } }],
    'current-context': 'e2e',
  });
