import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { ConfigProblem } from '../config/config-source.ts';
import { createFileSet, type FileCounts } from '../config/files/file-set.ts';
import { readFiles, resolveIn } from '../config/files/read-files.ts';
import { scan } from '../config/files/scan.ts';
import { formatProblem } from '../config/format-problem.ts';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { CommandFailed, createCommand, flag, helpWith } from './command.ts';
import { counted, type Io, note, print } from './io.ts';

export interface CheckResult {
  /** By file and line. */
  readonly problems: readonly ConfigProblem[];
  readonly counts: FileCounts & { readonly errors: number; readonly warnings: number };
}

export interface CheckOptions {
  /** As the flag of `serve`. @default false */
  readonly noCrossNamespaceRefs?: boolean;
}

/**
 * Reads a folder or a file as `serve --config` does, once.
 * @throws {FluxCDEventsError} `FCE_CONFIG_INVALID` when there is nothing at the path
 */
export async function checkPath(
  path: string,
  { noCrossNamespaceRefs = false }: CheckOptions = {},
): Promise<CheckResult> {
  const root = await stat(path).catch((cause: unknown) => {
    const message = `${path}: expected a folder or a file, found ${messageOf(cause)}`;
    throw new FluxCDEventsError('FCE_CONFIG_INVALID', message, { cause });
  });
  const { files, unreadable } = await scan(path);
  const set = createFileSet({ noCrossNamespaceRefs });
  await set.update(await readFiles([...files.keys()], resolveIn(path, root.isDirectory())), []);
  const folders = [...unreadable].map(
    ([where, found]): ConfigProblem => ({
      where,
      severity: 'error',
      issue: { path: 'folder', expected: 'a folder that can be read', found },
    }),
  );
  const { problems } = set.snapshot(folders);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return { problems, counts: { ...set.counts(), errors, warnings: problems.length - errors } };
}

/** `check`: what `serve --config` would say about a folder, before it is used. */
export const createCheckCommand = (io: Io): Command =>
  createCommand('check', io)
    .summary('validate a configuration folder or file')
    .description(
      'Reads a folder or a file of Provider, Alert and Secret objects as serve does and prints a line for everything ' +
        'that is wrong, with file and line, and a summary on stderr. Warnings do not fail.',
    )
    .argument('<path>', 'folder or file of YAML or JSON')
    .addOption(flag('--no-cross-namespace-refs', 'sources of other namespaces are errors, as for serve with this flag'))
    .addOption(flag('--json', 'print one JSON document'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents check config/', 'a whole folder'],
        ['flux-cdevents check --json providers.yaml', 'one file, for a program to read'],
      ]),
    )
    .action(async (path: string, flags: { readonly crossNamespaceRefs: boolean; readonly json?: true }) => {
      const { problems, counts } = await checkPath(path, { noCrossNamespaceRefs: !flags.crossNamespaceRefs });
      if (flags.json) print(io, JSON.stringify({ problems, counts }, null, 2));
      else {
        for (const problem of problems) print(io, toLine(problem));
        note(io, summarize(counts));
      }
      if (counts.errors > 0) throw new CommandFailed();
    });

const toLine = (problem: ConfigProblem): string =>
  problem.severity === 'warning' ? `${formatProblem(problem)} (warning)` : formatProblem(problem);

const summarize = ({ providers, alerts, secrets, files, errors, warnings }: CheckResult['counts']): string => {
  const objects = [counted(providers, 'Provider'), counted(alerts, 'Alert'), counted(secrets, 'Secret')].join(', ');
  return `${objects} in ${counted(files, 'file')}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
};
