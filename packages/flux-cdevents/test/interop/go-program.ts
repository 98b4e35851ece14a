import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../../', import.meta.url);

export const goIsHere = spawnSync('go', ['version']).status === 0;
if (!goIsHere) {
  // biome-ignore lint/suspicious/noConsole: a skipped test should say so
  console.warn('interop: nothing written in Go is asked, since there is no go');
}

/**
 * Builds one of the programs in interop/go. The first time downloads its modules and takes a minute or two.
 * @returns a function that gives it questions, a line each, and has its answers
 */
export function buildGoProgram<Question, Answer>(name: string): (questions: readonly Question[]) => Answer[] {
  const program = fileURLToPath(new URL(`.cache/interop/${name}`, root));
  const cwd = fileURLToPath(new URL(`interop/go/${name}`, root));
  execFileSync('go', ['build', '-o', program, '.'], { cwd, stdio: 'pipe' });
  return (questions) => {
    const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
    const output = execFileSync(program, { input, encoding: 'utf8', maxBuffer: 2 ** 28, stdio: 'pipe' });
    return output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Answer);
  };
}
