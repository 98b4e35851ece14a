import { type CDEvent, type ContentMode, toHttp } from 'cdevents-sdk';
import type { Command } from 'commander';
import type { FluxEvent } from '../flux/event.ts';
import type { Conversion } from '../map/convert-event.ts';
import { rulesOf } from '../map/explanation.ts';
import { createSequentialConverter, type SequentialConverterOptions } from '../map/sequential-converter.ts';
import type { ProviderOptions } from '../provider/provider.ts';
import { CommandFailed, createCommand, flag, helpWith } from './command.ts';
import { describeEvent, explainLines, toExplanation } from './explain.ts';
import { counted, type Io, note, paint, print, printJson } from './io.ts';
import { type ChosenMapping, chooseMapping, type MappingFlags, mappingFlags } from './mapping/flags.ts';
import { readEvents } from './read-events.ts';
import { readInput } from './read-text.ts';

interface ConvertFlags extends MappingFlags, Pick<ProviderOptions, 'unmapped' | 'unchanged'> {
  readonly cluster?: string;
  readonly source?: string;
  readonly contentMode?: ContentMode;
  readonly explain?: true;
  readonly json?: true;
}

/** `convert`: converts Flux events without a controller. */
export function createConvertCommand(io: Io): Command {
  const command = createCommand('convert', io)
    .summary('print the CDEvents that Flux events are mapped to')
    .description(
      'Reads Flux events (a JSON document, an array or JSON lines) and prints the CDEvents that they are mapped to: one ' +
        'JSON document a line when piped, readable on a terminal. Events that ' +
        'give none are listed on standard error with the reason. Events are ' +
        'mapped in the order of the file, as for a Provider with these options, and what is remembered of one event ' +
        '(the chain of a rollout, an open incident, the announced revision) applies to the next.',
    )
    .argument('[file]', 'file with the events; - or nothing reads standard input');
  for (const option of mappingFlags()) command.addOption(option);
  return command
    .addOption(flag('--cluster <name>', 'name of the cluster in sources, environments and ids'))
    .addOption(flag('--source <template>', 'context.source; {cluster}, {namespace}, {name}, {kind}, … are filled in'))
    .addOption(
      flag('--content-mode <mode>', 'print the HTTP request that would be sent, {"headers", "body"}', (option) =>
        option.choices(['binary', 'structured', 'batched']),
      ),
    )
    .addOption(
      flag('--unmapped <what>', 'events that no rule maps: skip them, or make custom events', (option) =>
        option.choices(['skip', 'custom']).default('skip'),
      ),
    )
    .addOption(
      flag('--unchanged <what>', 'repeated success of a Kustomization: skip it, or send it', (option) =>
        option.choices(['skip', 'send']).default('skip'),
      ),
    )
    .addOption(
      flag(
        '--explain',
        'explain on standard error which rules were tried, which matched, and where each field comes from',
      ),
    )
    .addOption(flag('--json', 'JSON lines on a terminal too; with --explain the explanation as JSON'))
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents convert events.jsonl', 'print the CDEvents in readable form'],
        ['flux-cdevents convert events.jsonl | jq -r .context.type', 'print one JSON document per line'],
        ['flux-cdevents convert --mapping mapping.yaml events.jsonl', 'use your own rules'],
        [
          'flux-cdevents convert --preset service --explain event.json',
          'show which rule and expression produced each field',
        ],
        ['flux-cdevents convert --content-mode binary event.json', 'print the HTTP request as it is sent'],
      ]),
    )
    .action(async (file: string | undefined, flags: ConvertFlags) => {
      const chosen = await chooseMapping(io, flags);
      const name = file === undefined || file === '-' ? 'stdin' : file;
      const events = readEvents(await readInput(io, file), name, io.now());
      const { failed } = convertAll(io, events, flags, chosen.options);
      if (failed) throw new CommandFailed();
    });
}

function convertAll(
  io: Io,
  events: ReturnType<typeof readEvents>,
  flags: ConvertFlags,
  rules: ChosenMapping['options'],
): { readonly failed: boolean } {
  const convert = createSequentialConverter(converterOptions(flags, rules));
  const out = writerFor(io, flags);
  const skipped = new Map<string, number>();
  let made = 0;
  let invalid = 0;
  for (const read of events) {
    if ('error' in read) {
      invalid += 1;
      note(io, [`${read.where}: `, paint('red', 'invalid'), `: ${read.error}`]);
      continue;
    }
    const { event, where } = read;
    const converted = convert(event);
    const { result } = converted;
    if (flags.explain) {
      const explained = { where, event, options: rules, ...converted };
      if (flags.json) printJson(io, toExplanation(explained));
      else for (const line of explainLines(explained)) note(io, line);
    }
    if (result.skipped) {
      skipped.set(result.skipped, (skipped.get(result.skipped) ?? 0) + 1);
      const why = paint('dim', `skipped, ${describeSkip(result, rules)}`);
      if (!flags.explain) note(io, [`${where}: ${describeEvent(event)}: `, why]);
    }
    for (const mapped of result.cdevents) {
      if ('cdevent' in mapped) {
        made += 1;
        out.write(event, mapped.cdevent);
      } else {
        invalid += 1;
        const why = [paint('red', 'invalid'), `: ${mapped.error}`];
        if (!flags.explain) note(io, [`${where}: ${describeEvent(event)}: `, why]);
      }
    }
  }
  out.end();
  const reasons = [...skipped].map(([reason, count]) => `${count} ${reason}`).join(', ');
  const total = [...skipped.values()].reduce((sum, count) => sum + count, 0);
  note(
    io,
    `${counted(events.length, 'Flux event')}: ${counted(made, 'CDEvent')}, ${total} skipped${reasons && ` (${reasons})`}, ${invalid} invalid`,
  );
  return { failed: invalid > 0 };
}

const converterOptions = (
  { cluster, source, unmapped, unchanged }: ConvertFlags,
  rules: ChosenMapping['options'],
): SequentialConverterOptions => ({
  ...rules,
  unmapped,
  unchanged,
  ...(cluster && { cluster }),
  ...(source && { source }),
});

function describeSkip({ skipped, rule, withheld }: Conversion, rules: ChosenMapping['options']): string {
  if (skipped === 'unmapped') return `unmapped: no rule of ${rulesOf(rules)} matches it`;
  if (skipped === 'ignored') return `ignored by rule ${rule}`;
  if (skipped === 'repeated') return `repeated: ${[...new Set(withheld.map(({ why }) => why))].join('; ')}`;
  return 'unchanged: this revision was announced before and nothing changed since';
}

interface EventWriter {
  write(event: FluxEvent, cdevent: CDEvent): void;
  end(): void;
}

function writerFor(io: Io, { contentMode, explain, json }: ConvertFlags): EventWriter {
  const nothing = () => undefined;
  if (explain && json) return { write: nothing, end: nothing };
  const readable = io.stdout.isTTY === true && !json;
  const show = (document: unknown) => printJson(io, document, readable ? 2 : undefined);
  if (contentMode === undefined) {
    return {
      write(event, cdevent) {
        if (readable) print(io, paint('cyan', `# ${describeEvent(event)} → ${cdevent.context.type}`));
        show(cdevent);
      },
      end: nothing,
    };
  }
  const uids = new Map<CDEvent, string>();
  const request = (events: readonly CDEvent[]) => {
    const extensions = (event: CDEvent) => ({ partitionkey: uids.get(event) });
    const { headers, body } = toHttp(events, { mode: contentMode, extensions });
    show({ headers, body: JSON.parse(body) as unknown });
  };
  const batch: CDEvent[] = [];
  return {
    write({ involvedObject: { uid } }, cdevent) {
      if (uid) uids.set(cdevent, uid);
      if (contentMode === 'batched') batch.push(cdevent);
      else request([cdevent]);
    },
    end() {
      if (batch.length > 0) request(batch);
    },
  };
}
