import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The paths of the programs that the tests run. */
export interface Tools {
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly kubectl: string;
  readonly helm: string;
}

const KUBERNETES = 'v1.36.3';
const HELM = 'v4.2.2';
const BIN = join(import.meta.dirname, '../../.cache/e2e/bin');

interface Recipe {
  readonly file: string;
  readonly module: 'kubernetes' | 'helm';
  readonly package: string;
  /** Go variables that a release build sets. */
  readonly set: readonly string[];
}

const kubernetesVersion = [
  `k8s.io/component-base/version.gitVersion=${KUBERNETES}`,
  'k8s.io/component-base/version.gitMajor=1',
  'k8s.io/component-base/version.gitMinor=36',
];
const RECIPES: Readonly<Record<keyof Tools, Recipe>> = {
  etcd: { file: 'etcd', module: 'kubernetes', package: 'go.etcd.io/etcd/server/v3', set: [] },
  kubeApiserver: {
    file: 'kube-apiserver',
    module: 'kubernetes',
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    set: kubernetesVersion,
  },
  kubectl: {
    file: 'kubectl',
    module: 'kubernetes',
    package: 'k8s.io/kubernetes/cmd/kubectl',
    set: kubernetesVersion,
  },
  helm: {
    file: 'helm',
    module: 'helm',
    package: 'helm.sh/helm/v4/cmd/helm',
    set: [`helm.sh/helm/v4/internal/version.version=${HELM}`],
  },
};

/** A program is missing, and there is no Go to build it with. */
export class ToolsMissingError extends Error {
  override readonly name = 'ToolsMissingError';
}

/**
 * Finds every program: in `KUBEBUILDER_ASSETS`, else in `.cache/`; otherwise builds it with `go build` from the modules beside
 * this file. The first build takes some minutes and downloads the sources from the Go module proxy.
 * @throws {ToolsMissingError} when a program must be built and there is no Go
 */
export async function findTools(say: (line: string) => void): Promise<Tools> {
  const paths: Record<string, string> = {};
  for (const [name, recipe] of Object.entries(RECIPES)) paths[name] = await find(recipe, say);
  return paths as unknown as Tools;
}

async function find(recipe: Recipe, say: (line: string) => void): Promise<string> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets && existsSync(join(assets, recipe.file))) return join(assets, recipe.file);
  const target = join(BIN, recipe.file);
  const stamp = `${target}.stamp`;
  const folder = join(import.meta.dirname, recipe.module);
  const wanted = createHash('sha256')
    .update(JSON.stringify(recipe))
    .update(readFileSync(join(folder, 'go.mod')))
    .digest('hex');
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return target;

  const version = await goVersion();
  if (version === undefined) {
    throw new ToolsMissingError(
      `no ${recipe.file}: install Go 1.26 or later to have it built (some minutes, once), or let KUBEBUILDER_ASSETS name a folder that has etcd, kube-apiserver, kubectl and helm`,
    );
  }
  say(`building ${recipe.file} with ${version}; this takes some minutes the first time`);
  const startedAt = Date.now();
  mkdirSync(BIN, { recursive: true });
  rmSync(stamp, { force: true });
  await build(recipe, folder, `${target}.new`);
  renameSync(`${target}.new`, target);
  writeFileSync(stamp, wanted);
  say(`built ${recipe.file} in ${Math.round((Date.now() - startedAt) / 1000)} s`);
  return target;
}

async function goVersion(): Promise<string | undefined> {
  try {
    return (await promisify(execFile)('go', ['env', 'GOVERSION'])).stdout.trim();
  } catch {
    return undefined;
  }
}

/** Passes the output of Go on to standard error while it downloads and compiles. */
function build({ package: name, set }: Recipe, cwd: string, output: string): Promise<void> {
  const ldflags = ['-s', '-w', ...set.map((variable) => `-X ${variable}`)].join(' ');
  const child = spawn('go', ['build', '-trimpath', '-ldflags', ldflags, '-o', output, name], {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off' },
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`go build ${name} ended with ${code}`));
    });
  });
}
