import { dirname, isAbsolute, join } from 'node:path';
import type { Command } from 'commander';
import { formatIssue } from '../../diagnostics/format.ts';
import { withFile } from '../../diagnostics/issue.ts';
import type { FluxEvent } from '../../flux/event.ts';
import { parseName } from '../../flux/object-ref.ts';
import { rulesOf } from '../../map/explanation.ts';
import type { SequentialConverterOptions } from '../../map/sequential-converter.ts';
import type { Case, CasesFile } from '../../mapping-cases/cases.ts';
import { readCases } from '../../mapping-cases/read-cases.ts';
import { type CaseResult, runCase } from '../../mapping-cases/run-cases.ts';
import { CommandFailed, createCommand, EXIT_USAGE, flag, helpWith } from '../command.ts';
import { counted, type Io, note, paint, print, printJson } from '../io.ts';
import { readEvents } from '../read-events.ts';
import { readText } from '../read-text.ts';
import { Coverage } from './coverage.ts';
import { type ChosenMapping, optionsOf, readChosen } from './flags.ts';
import { reportLines, toReport } from './report.ts';

interface TestFlags {
  readonly requireCoverage?: true;
  readonly json?: true;
}

/** `mapping test`: checks that a mapping makes the expected CDEvents of Flux events. */
export const createMappingTestCommand = (io: Io): Command =>
  createCommand('test', io)
    .summary('run the test cases of a mapping')
    .description(
      'Runs files of cases: Flux events, of which only the reason is required, and the CDEvents that are expected of ' +
        'each: the fields that matter, or no CDEvent. A failure is shown as a diff, with the rules that were tried. Rules ' +
        'that no case reached are listed at the end. Exit code 1 when a case fails, 2 when a file cannot be read or is wrong.',
    )
    .argument('<files...>', 'files of cases, such as mapping.cases.yaml; each names its mapping')
    .addOption(flag('--require-coverage', 'fail when a rule of a mapping was not reached by any case'))
    .addOption(flag('--json', 'print the results as one JSON document'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents mapping test mapping.cases.yaml', 'run the cases of one file'],
        ['flux-cdevents mapping test --require-coverage rules/*.cases.yaml', 'fail in CI when a rule has no case'],
        ['flux-cdevents mapping schema cases > cases.schema.json', 'write the JSON Schema that editors use'],
      ]),
    )
    .action(async (files: readonly string[], flags: TestFlags) => {
      const suites: Suite[] = [];
      // All files are read before the first case runs, so that all mistakes are reported at once.
      for (const file of files) suites.push(...(await readSuite(io, file)));
      if (suites.length < files.length) throw new CommandFailed(EXIT_USAGE);
      runAll(io, suites, flags);
    });

/** A file of cases with the rules and events that it names. */
interface Suite {
  readonly file: string;
  readonly cases: readonly Case[];
  readonly options: SequentialConverterOptions;
  readonly chosen: ChosenMapping;
  /** The same for files of cases that share a mapping. */
  readonly key: string;
  readonly eventMetadata?: Readonly<Record<string, string>>;
  readonly events: ReadonlyMap<string, FluxEvent>;
}

/** Empty when something is wrong, which has then been printed. */
async function readSuite(io: Io, file: string): Promise<Suite[]> {
  const { file: read, issues } = readCases(await readText(file));
  for (const issue of issues) note(io, formatIssue(withFile(file, issue)));
  if (!read) return [];
  const chosen = await chooseRules(io, file, read);
  const events = await readEventFiles(io, file, read);
  if (!chosen || !events) return [];
  const { eventMetadata } = read;
  return [
    {
      file,
      cases: read.cases,
      options: converterOptions(chosen, read),
      chosen,
      key: read.mapping === undefined ? `preset ${chosen.options.preset}` : beside(file, read.mapping),
      events,
      ...(eventMetadata && { eventMetadata }),
    },
  ];
}

function converterOptions({ options }: ChosenMapping, file: CasesFile): SequentialConverterOptions {
  const { cluster, source, unmapped = 'skip', unchanged = 'skip' } = file;
  const [provider, alert] = [file.provider, file.alert].map((name) => (name ? parseName(name) : undefined));
  return {
    ...options,
    unmapped,
    unchanged,
    ...(cluster && { cluster }),
    ...(source && { source }),
    ...(provider && { provider }),
    ...(alert && { alert }),
  };
}

const beside = (file: string, name: string): string => (isAbsolute(name) ? name : join(dirname(file), name));

async function chooseRules(io: Io, file: string, cases: CasesFile): Promise<ChosenMapping | undefined> {
  if (cases.mapping === undefined) return { options: optionsOf(cases, {}) };
  const mapping = beside(file, cases.mapping);
  const chosen = readChosen(await readText(mapping), mapping, cases);
  if ('options' in chosen) return chosen;
  for (const issue of chosen.issues) note(io, formatIssue(issue));
  return undefined;
}

async function readEventFiles(io: Io, file: string, { cases }: CasesFile) {
  const events = new Map<string, FluxEvent>();
  let wrong = false;
  for (const { event, line } of cases.flatMap(({ steps }) => steps)) {
    if (typeof event !== 'string' || events.has(event)) continue;
    const name = beside(file, event);
    const [read, ...more] = readEvents(await readText(name), name, io.now());
    if (read && 'event' in read && more.length === 0) events.set(event, read.event);
    else {
      wrong = true;
      const found = !read ? 'none' : more.length > 0 ? `${more.length + 1} of them` : 'error' in read ? read.error : '';
      note(io, `${file}:${line}: event ${event}: expected one Flux event as JSON, found ${found}`);
    }
  }
  return wrong ? undefined : events;
}

function runAll(io: Io, suites: readonly Suite[], { requireCoverage, json }: TestFlags): void {
  const coverage = new Coverage();
  const results = suites.map((suite) => {
    const cases = suite.cases.map((one) => runCase(one, suite));
    coverage.add(suite.key, suite.chosen, cases);
    return { suite, cases };
  });
  const all = results.flatMap(({ cases }) => cases);
  const failed = all.filter(({ passed }) => !passed).length;
  const notCovered = coverage.missing();
  if (json) {
    const files = results.map(({ suite, cases }) => ({
      file: suite.file,
      mapping: rulesOf(suite.options),
      cases: cases.map(toReport),
    }));
    printJson(io, { passed: all.length - failed, failed, files, notCovered }, 2);
  } else {
    for (const { suite, cases } of results) printSuite(io, suite, cases);
    for (const { key, rules } of notCovered) {
      print(io, paint('yellow', `not covered: ${rules.join(', ')} (${key})`));
    }
    const summary = `${counted(all.length - failed, 'case')} passed, ${failed} failed`;
    print(io, paint(failed > 0 ? 'red' : 'green', summary));
  }
  if (failed > 0 || (requireCoverage && notCovered.length > 0)) throw new CommandFailed();
}

function printSuite(io: Io, suite: Suite, cases: readonly CaseResult[]): void {
  print(io, `${suite.file}: ${rulesOf(suite.options)}`);
  for (const result of cases) for (const line of reportLines(result, suite)) print(io, line);
}
