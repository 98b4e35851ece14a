import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { UnreadPart } from '../config/config-source.ts';
import { createFileSet, type FileCounts } from '../config/files/file-set.ts';
import { folderIssue } from '../config/files/file-source.ts';
import { readFiles, resolveIn } from '../config/files/read-files.ts';
import { isFolder, scan } from '../config/files/scan.ts';
import { formatIssue, toRecord } from '../diagnostics/format.ts';
import type { Issue } from '../diagnostics/issue.ts';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { type NamespacedName, parseName } from '../flux/object-ref.ts';
import { mappingReader } from '../mapping/file/read-mapping.ts';
import { CommandFailed, createCommand, flag, helpWith, parserOf } from './command.ts';
import { counted, type Io, note, print, printJson } from './io.ts';

export interface CheckResult {
  /** Sorted by file and line. */
  readonly problems: readonly Issue[];
  readonly counts: FileCounts & { readonly errors: number; readonly warnings: number };
}

export interface CheckOptions {
  /** Like the flag of `serve`. @default false */
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
  const set = createFileSet({ noCrossNamespaceRefs, readMapping: mappingReader });
  const contents = new Map(await readFiles([...files.keys()], resolveIn(path, root.isDirectory())));
  const folders: UnreadPart[] = [];
  for (const [name, reason] of unreadable) {
    if (!isFolder(name)) contents.set(name, { unreadable: reason });
    else folders.push({ problem: folderIssue(name || '.', reason), sinceMs: 0, mayHoldMore: true });
  }
  await set.update(contents, []);
  const { problems } = set.snapshot(folders);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return { problems, counts: { ...set.counts(), errors, warnings: problems.length - errors } };
}

interface CheckFlags {
  readonly kubernetes?: true;
  readonly kubeconfig?: string;
  readonly namespace: string;
  readonly as?: NamespacedName;
  readonly addressProbe: boolean;
  readonly crossNamespaceRefs: boolean;
  readonly json?: true;
}

/** `check`: validates a folder before `serve` uses it, or finds out what would not work in a cluster. */
export const createCheckCommand = (io: Io): Command =>
  createCommand('check', io)
    .summary('validate a configuration folder or file, or check a cluster')
    .description(
      'Reads a folder or a file of Provider, Alert, Secret and ConfigMap objects as serve does, and prints each issue with its ' +
        'file and line, and a summary on standard error. With --kubernetes, checks a cluster as "flux check" does: ' +
        'definitions, installation, permissions, Providers with their Secrets and addresses, Alerts. Changes nothing and ' +
        'posts nothing. Warnings do not affect the exit code.',
    )
    .argument('[path]', 'folder or file of YAML or JSON')
    .addOption(
      flag('--no-cross-namespace-refs', 'report sources of other namespaces as errors, as serve does with this flag'),
    )
    .addOption(flag('--kubernetes', 'check what would not work in a cluster, and how to fix it'))
    .addOption(
      flag(
        '--kubeconfig <file>',
        'use this kubeconfig, which implies --kubernetes (default: ServiceAccount, else KUBECONFIG)',
      ),
    )
    .addOption(flag('--namespace <name>', 'the namespace of Flux', (option) => option.default('flux-system')))
    .addOption(
      flag('--as <namespace/name>', 'ServiceAccount of the controller (default: that of its Deployment)', (option) =>
        option.argParser(parserOf(parseName, 'namespace/name')),
      ),
    )
    .addOption(flag('--no-address-probe', 'do not connect to the addresses of Providers'))
    .addOption(flag('--json', 'print one JSON document'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents check config/', 'a whole folder'],
        ['flux-cdevents check --json providers.yaml', 'one file, for a program to read'],
        ['flux-cdevents check --kubernetes', 'the cluster of the current context'],
      ]),
    )
    .action(async (path: string | undefined, flags: CheckFlags) => {
      const kubernetes = flags.kubernetes === true || flags.kubeconfig !== undefined;
      if ((path === undefined) === !kubernetes) {
        const found = kubernetes ? 'both' : 'neither';
        throw new FluxCDEventsError('FCE_OPTION_INVALID', `expected a path or --kubernetes, found ${found}`);
      }
      const errors = path === undefined ? await reportCluster(io, flags) : await reportPath(io, path, flags);
      if (errors > 0) throw new CommandFailed();
    });

/** @returns the number of errors that were printed */
async function reportPath(io: Io, path: string, flags: CheckFlags): Promise<number> {
  const { problems, counts } = await checkPath(path, { noCrossNamespaceRefs: !flags.crossNamespaceRefs });
  if (flags.json) printJson(io, { problems: problems.map(toReport), counts }, 2);
  else {
    for (const problem of problems) print(io, toLine(problem));
    note(io, summarize(counts));
  }
  return counts.errors;
}

/** @returns the number of errors that were printed */
async function reportCluster(io: Io, { as, addressProbe, ...flags }: CheckFlags): Promise<number> {
  const { reportCluster: report } = await import('./cluster/report-cluster.ts'); // files need none of it
  const noCrossNamespaceRefs = !flags.crossNamespaceRefs;
  return report(io, { ...flags, account: as, probe: addressProbe, noCrossNamespaceRefs });
}

const toLine = (issue: Issue): string =>
  issue.severity === 'warning' ? `${formatIssue(issue)} (warning)` : formatIssue(issue);

function toReport(problem: Issue) {
  const { object, where, severity, ...issue } = toRecord(problem);
  return { object, where, severity, issue };
}

const summarize = (counts: CheckResult['counts']): string => {
  const { providers, alerts, secrets, configMaps, files, errors, warnings } = counts;
  const objects = [
    counted(providers, 'Provider'),
    counted(alerts, 'Alert'),
    counted(secrets, 'Secret'),
    ...(configMaps > 0 ? [counted(configMaps, 'ConfigMap')] : []),
  ].join(', ');
  return `${objects} in ${counted(files, 'file')}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
};
