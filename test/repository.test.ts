import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const find = (pattern: string) =>
  globSync(pattern, { cwd: root, exclude: ['**/node_modules', '**/dist', '**/.cache'] }).toSorted();

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly uses?: string;
  readonly 'timeout-minutes'?: number;
  readonly permissions?: unknown;
  readonly needs?: string | readonly string[];
  readonly steps?: readonly Step[];
}
interface Workflow {
  readonly permissions?: unknown;
  readonly concurrency?: { readonly group: string };
  readonly defaults?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}
const readWorkflow = (file: string) => parse(read(file)) as Workflow;

describe.each(find('.github/workflows/*.yml'))('%s', (file) => {
  const workflow = readWorkflow(file);
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps ?? []);

  it('pins every action by its full commit, with the version beside it', () => {
    const uses = read(file)
      .split('\n')
      .filter((line) => /^\s*(?:- )?uses:/.test(line))
      .filter((line) => !/uses: \.\/\.github\/workflows\//.test(line));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may only read, unless a job says otherwise', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
  });

  it('keeps runs of one branch or tag apart', () => {
    expect(workflow.concurrency?.group).toContain('github.ref');
  });

  it.each(jobs.filter(([, { uses }]) => uses === undefined))('bounds the time of %s', (_, job) => {
    expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  it('leaves no credentials in a checkout', () => {
    const checkouts = steps.filter((step) => step.uses?.startsWith('actions/checkout@'));
    for (const checkout of checkouts) expect(checkout.with).toMatchObject({ 'persist-credentials': false });
  });

  it('puts no expression into a script', () => {
    for (const { run } of steps) expect(run ?? '').not.toContain('${{');
  });

  it('fails when any command of a pipe does', () => {
    expect(workflow.defaults).toEqual({ run: { shell: 'bash' } });
  });
});

it('pins one commit for each version of an action', () => {
  const pins = find('.github/workflows/*.yml').flatMap((file) => read(file).match(/\S+@[0-9a-f]{40} # \S+/g) ?? []);
  const actions = new Set(pins.map((pin) => pin.split('@')[0]));
  expect(new Set(pins).size).toBe(actions.size);
});

describe('the ci workflow', () => {
  const { jobs } = readWorkflow('.github/workflows/ci.yml');

  it('runs every npm script of .ci/run', () => {
    const scriptsIn = (text: string) =>
      [...text.matchAll(/npm (?:run )?(test:?\w*|[\w:]+)/g)].map(([command]) => command);
    const run = Object.values(jobs).flatMap(({ steps = [] }) => steps.flatMap((step) => scriptsIn(step.run ?? '')));
    const wanted = new Set(scriptsIn(read('.ci/run')));
    expect(wanted.size).toBeGreaterThan(6);
    expect(new Set(run)).toEqual(wanted);
  });

  it('is green when all its jobs are', () => {
    const { total, ...others } = jobs;
    expect(total?.needs).toEqual(Object.keys(others));
    expect(read('.github/workflows/ci.yml')).toContain(`= ${Object.keys(others).map(() => 'success')}`);
  });
});

describe('the release workflow', () => {
  const { jobs } = readWorkflow('.github/workflows/release.yml');

  /** The jobs that have to pass before this one starts. */
  const before = (name: string): string[] =>
    [jobs[name]?.needs ?? []].flat().flatMap((needed) => [needed, ...before(needed)]);

  it.each(Object.keys(jobs).filter((name) => jobs[name]?.permissions))('publishes %s after the whole suite', (name) => {
    expect(jobs.suite?.uses).toBe('./.github/workflows/ci.yml');
    expect(before(name)).toContain('suite');
  });

  it('publishes to npm after everything that can be published again', () => {
    expect(before('npm')).toEqual(expect.arrayContaining(['image', 'chart', 'manifests']));
  });

  it('fills no cache that a pull request could have poisoned into what it publishes', () => {
    const steps = Object.values(jobs).flatMap((job) => job.steps ?? []);
    expect(steps.filter((step) => step.uses?.startsWith('actions/cache@'))).toEqual([]);
    const setups = steps.filter((step) => step.uses?.startsWith('actions/setup-node@'));
    for (const setup of setups) expect(setup.with).toMatchObject({ 'package-manager-cache': false });
  });
});

describe('dependabot', () => {
  interface Update {
    readonly 'package-ecosystem': string;
    readonly directory?: string;
    readonly directories?: readonly string[];
    readonly cooldown?: { readonly 'default-days': number };
    readonly groups?: unknown;
  }
  const { updates } = parse(read('.github/dependabot.yml')) as { updates: readonly Update[] };
  const folders = (pattern: string) => find(pattern).map((file) => join('/', dirname(file)));

  it.each([
    ['npm', folders('package-lock.json')],
    ['github-actions', ['/']],
    ['docker', folders('**/Dockerfile')],
    ['gomod', folders('**/go.mod')],
    ['cargo', folders('**/Cargo.toml')],
    ['maven', folders('**/pom.xml')],
  ])('covers every folder of %s', (ecosystem, wanted) => {
    const covered = updates
      .filter((update) => update['package-ecosystem'] === ecosystem)
      .flatMap(({ directory, directories }) => directories ?? [directory ?? '']);
    expect(wanted).not.toEqual([]);
    expect(covered.toSorted()).toEqual(wanted);
  });

  it('waits a week and asks once', () => {
    for (const { cooldown, groups } of updates) {
      expect(cooldown?.['default-days']).toBeGreaterThanOrEqual(7);
      expect(groups).toBeDefined();
    }
  });
});

describe('benchmarks', () => {
  const files = find('bench/*.ts');
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };

  /** What other benchmarks import or start is no program of its own. */
  const isUsed = (file: string) =>
    files.some((other) => new RegExp(`(?:from '\\./|start\\(')${basename(file)}'`).test(read(other)));

  it.each(files.filter((file) => !isUsed(file)))('%s is an npm script, and says which', (file) => {
    const [name] = Object.entries(scripts).find(([, command]) => command === `node ${file}`) ?? [];
    expect(read(file)).toContain(`npm run ${name}`);
  });

  it('are there for every npm script', () => {
    const named = Object.entries(scripts).filter(([name]) => name.startsWith('bench'));
    for (const [, command] of named) expect(existsSync(join(root, command.replace('node ', '')))).toBe(true);
  });
});
