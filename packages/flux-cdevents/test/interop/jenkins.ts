import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const path = (relative: string) => fileURLToPath(new URL(`../../../../${relative}`, import.meta.url));

export const javaIsHere = ['java', 'mvn'].every((program) => spawnSync(program, ['--version']).status === 0);
if (!javaIsHere) {
  // biome-ignore lint/suspicious/noConsole: a skipped test should say so
  console.warn('interop: the filters of Jenkins are not asked, since there is no java or no mvn');
}

/** The parameters of a GenericTrigger step. */
export interface GenericTrigger {
  readonly headerVariables: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly filterText: string;
  readonly filterExpression: string;
}

/** Reads the trigger of a Jenkinsfile. @throws {Error} when there is none */
export function readGenericTrigger(jenkinsfile: string): GenericTrigger {
  const unquote = (text = '') => text.replaceAll('\\\\', '\\');
  const parameter = (name: string) => {
    const value = new RegExp(`^\\s*${name}: '([^']*)',?$`, 'm').exec(jenkinsfile)?.[1];
    if (!value) throw new Error(`expected a GenericTrigger with ${name}, got ${jenkinsfile}`);
    return unquote(value);
  };
  return {
    headerVariables: [...jenkinsfile.matchAll(/\[key: '([^']+)'\]/g)].map(([, key = '']) => key),
    variables: Object.fromEntries(
      [...jenkinsfile.matchAll(/\[key: '([^']+)', value: '([^']+)'\]/g)].map(([, key, value]) => [key, unquote(value)]),
    ),
    filterText: parameter('regexpFilterText'),
    filterExpression: parameter('regexpFilterExpression'),
  };
}

/** @returns a function that says of each request whether a job with that trigger would start */
export function buildJenkinsFilter(): (
  requests: readonly { headers: Readonly<Record<string, string>>; body: string }[],
  trigger: GenericTrigger,
) => boolean[] {
  const libraries = path('.cache/interop/jenkins');
  const copy = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${libraries}`];
  execFileSync('mvn', ['-f', path('interop/jenkins/pom.xml'), ...copy], { stdio: 'pipe' });
  return (requests, trigger) => {
    const input = requests.map((request) => `${JSON.stringify({ ...trigger, ...request })}\n`).join('');
    const args = ['-cp', `${libraries}/*`, path('interop/jenkins/Filter.java')];
    return execFileSync('java', args, { input, encoding: 'utf8', stdio: 'pipe' })
      .trimEnd()
      .split('\n')
      .map((line) => line === 'true');
  };
}
