import type { Command, Option } from 'commander';
import { FluxCDEventsError } from '../errors.ts';
import { parseName } from '../flux/object-ref.ts';
import type { Delivery, DeliveryDetail, ListQuery, ReplayRequest } from '../http/api-types.ts';
import { ENTRY_STATES, type EntryState } from '../outbox/entry.ts';
import { createCommand, flag, helpWith, integer, parserOf } from './command.ts';
import { askConsent } from './consent.ts';
import { createControllerClient, type ServerFlags, serverFlags } from './controller-client.ts';
import { storedLines } from './explain.ts';
import {
  type Cell,
  counted,
  formatAge,
  type Io,
  note,
  paint,
  print,
  printJson,
  printTable,
  withProgress,
} from './io.ts';

interface FilterFlags extends ServerFlags {
  readonly provider?: string;
  readonly type?: string;
  readonly since?: string;
  readonly json?: true;
}

const MAX_PAGE = 500;
const DEFAULT_LIMIT = 50;

const providerName = parserOf((text) => (parseName(text) ? text : undefined), 'NAMESPACE/NAME');

const filterFlags = (): readonly Option[] => [
  flag('--provider <namespace/name>', 'of this Provider only', (option) => option.argParser(providerName)),
  flag('--type <type>', 'of this event type: incident.detected, the start of a full type, or flux, forward, unmapped'),
  flag('--since <when>', 'accepted since then: a duration such as 2h, or an RFC 3339 date-time'),
];

const create = (name: string, io: Io, flags: readonly Option[]): Command => {
  const command = createCommand(name, io);
  for (const option of [...flags, ...serverFlags()]) command.addOption(option);
  return command;
};

/** `deliveries`: shows the outbox of a running controller, and replays or discards dead letters. */
export const createDeliveriesCommand = (io: Io): Command =>
  createCommand('deliveries', io)
    .summary('list, show, replay and discard deliveries of a running controller')
    .description(
      'Lists, shows, replays and discards the deliveries of a running controller, both settled and pending ones.',
    )
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents deliveries list --state dead-letter', 'what could not be delivered'],
        ['flux-cdevents deliveries show 3f2b9c1e', 'one of them, with its CDEvent and Flux event'],
        ['flux-cdevents deliveries replay --provider flux-system/hub', 'send its dead letters again'],
      ]),
    )
    .addCommand(listCommand(io))
    .addCommand(showCommand(io))
    .addCommand(replayCommand(io))
    .addCommand(discardCommand(io));

const states = (value: string, before: readonly string[] = []): readonly string[] => {
  const named = value
    .split(',')
    .map(parserOf((one) => ENTRY_STATES.find((state) => state === one), ENTRY_STATES.join(', ')));
  return [...before, ...named];
};

const listCommand = (io: Io): Command =>
  create('list', io, [
    flag('--state <state>', `${ENTRY_STATES.join(', ')}; may be repeated`, (option) => option.argParser(states)),
    ...filterFlags(),
    flag('--limit <n>', 'maximum number to list, newest first; 0 for all', (option) =>
      option.default(DEFAULT_LIMIT).argParser(integer(0, 1_000_000)),
    ),
    flag('--json', 'print one JSON object per line'),
  ])
    .summary('list deliveries, newest first')
    .description(
      'Lists deliveries, newest first. When piped: id, state, provider, type, object, reason, attempts, accepted, next ' +
        'attempt and last error, tab separated.',
    )
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents deliveries list --state dead-letter --since 2h', 'what failed recently'],
        ['flux-cdevents deliveries list --type incident.detected --json', 'for a program'],
      ]),
    )
    .action(async (flags: FilterFlags & { readonly state?: EntryState[]; readonly limit: number }) => {
      const client = await createControllerClient(flags);
      const query: ListQuery = { ...selection(flags), ...(flags.state && { state: flags.state }) };
      const wanted = flags.limit === 0 ? Number.POSITIVE_INFINITY : flags.limit;
      const entries: Delivery[] = [];
      const read = async (): Promise<boolean> => {
        for (let after: string | undefined; ; ) {
          const limit = Math.min(MAX_PAGE, wanted - entries.length);
          const page = await client.list({ ...query, limit, ...(after !== undefined && { after }) });
          entries.push(...page.entries);
          if (page.next === undefined) return false;
          if (entries.length >= wanted) return true;
          after = page.next;
        }
      };
      const more = await withProgress(io, `reading from ${flags.server}`, read());
      if (flags.json) for (const entry of entries) printJson(io, entry);
      else if (entries.length > 0) printEntries(io, entries);
      if (entries.length === 0) note(io, 'no deliveries match');
      else if (more) note(io, `the newest ${entries.length}; there are older ones, see --limit`);
    });

const stateStyles: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  waiting: 'yellow',
  pending: 'yellow',
  delivering: 'yellow',
  delivered: 'green',
  'dead-letter': 'red',
};

const MAX_ERROR_CHARS = 60;

function printEntries(io: Io, entries: readonly Delivery[]): void {
  if (!io.stdout.isTTY) {
    const rows = entries.map((entry) => [
      entry.id,
      entry.state,
      entry.provider,
      entry.type,
      entry.object,
      entry.reason,
      String(entry.attempts),
      entry.acceptedAt,
      entry.dueAt ?? '',
      entry.lastError ?? '',
    ]);
    printTable(io, [], rows);
    return;
  }
  const now = io.now();
  const rows = entries.map((entry): Cell[] => [
    entry.id.slice(0, 8),
    formatAge(now - Date.parse(entry.acceptedAt)),
    { text: entry.state, style: stateStyles[entry.state] ?? 'reset' },
    entry.provider,
    shortType(entry.type),
    entry.object,
    entry.reason,
    String(entry.attempts),
    nextOf(entry, now),
  ]);
  printTable(io, ['id', 'age', 'state', 'provider', 'type', 'object', 'reason', 'attempts', 'next / last error'], rows);
}

const shortType = (type: string): string => type.replace(/^dev\.cdevents\.([^.]+\.[^.]+)\..+$/, '$1');

function nextOf({ state, dueAt, lastError }: Delivery, now: number): string {
  if (state === 'delivered') return '';
  const error = lastError && lastError.length > MAX_ERROR_CHARS ? `${lastError.slice(0, MAX_ERROR_CHARS)}…` : lastError;
  const waitMs = dueAt === undefined ? 0 : Date.parse(dueAt) - now;
  return [...(waitMs > 0 ? [`in ${formatAge(waitMs)}`] : []), ...(error ? [error] : [])].join(': ');
}

const showCommand = (io: Io): Command =>
  create('show', io, [flag('--json', 'print it as one JSON document')])
    .summary('show one delivery: its CDEvent, how that was made, and its Flux event')
    .description(
      'Shows one delivery with its CDEvent, the rule and the expressions that made it, and the Flux event that it came from.',
    )
    .argument('<id>', 'its id or a prefix of it, such as the CDEvent id')
    .addHelpText('after', helpWith([['flux-cdevents deliveries show 3f2b9c1e', 'by a prefix of its id']]))
    .action(async (id: string, flags: FilterFlags) => {
      const client = await createControllerClient(flags);
      const delivery = await withProgress(io, `reading from ${flags.server}`, client.show(id));
      if (flags.json) printJson(io, delivery);
      else printDetail(io, delivery);
    });

function printDetail(io: Io, delivery: DeliveryDetail): void {
  const { fluxEvent, cdevent, metadata: _, explanation, ...entry } = delivery;
  const width = Math.max(...Object.keys(entry).map((key) => key.length));
  for (const [key, value] of Object.entries(entry)) {
    const shown = key === 'state' ? paint(stateStyles[String(value)] ?? 'reset', String(value)) : String(value);
    print(io, [paint('bold', key.padEnd(width)), '  ', shown]);
  }
  const title = (text: string) => {
    print(io, '');
    print(io, paint('bold', text));
  };
  const section = (name: string, document: unknown) => {
    title(name);
    printJson(io, document, 2);
  };
  if (explanation) {
    title('How it was made');
    for (const line of storedLines(explanation, cdevent !== undefined)) print(io, line);
  }
  if (cdevent !== undefined) section('CDEvent', cdevent);
  section('Flux event', fluxEvent);
}

interface SelectFlags extends FilterFlags {
  readonly all?: true;
  readonly yes?: true;
}

/** The flags that select entries to replay or discard; ids are arguments. */
const changeFlags = (): readonly Option[] => [
  ...filterFlags(),
  flag('--all', 'all of them; required when nothing else narrows the selection'),
  flag('--yes', 'do not ask for confirmation'),
  flag('--json', 'print the count as JSON'),
];

const replayCommand = (io: Io): Command =>
  create('replay', io, [
    ...changeFlags(),
    flag('--state <state>', 'dead-letter (the default) or delivered; may be repeated', (option) =>
      option.argParser(replayable),
    ),
    flag('--remap', 'map the Flux events again with the current mapping'),
  ])
    .summary('send dead letters again')
    .description(
      'Sends dead letters, or delivered CDEvents, again. They keep their ids. Asks for confirmation when flags select the ' +
        'entries, or when an id stands for several; without a terminal, --yes is required then.',
    )
    .argument('[ids...]', 'their ids or prefixes of them')
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents deliveries replay 3f2b9c1e', 'one'],
        ['flux-cdevents deliveries replay --provider flux-system/hub --since 2h', 'those of one Provider'],
        ['flux-cdevents deliveries replay --all --remap --yes', 'all dead letters, after the mapping was fixed'],
      ]),
    )
    .action(
      async (
        ids: string[],
        flags: SelectFlags & { readonly state?: ReplayRequest['states']; readonly remap?: true },
      ) => {
        const request: ReplayRequest = {
          ...change(ids, flags),
          ...(flags.state && { states: flags.state }),
          ...(flags.remap && { remap: true }),
        };
        const client = await createControllerClient(flags);
        if (!flags.yes) {
          const named = areNamed(ids, flags) ? ids.length : 0;
          await askConsent(io, { verb: 'replay', named, count: () => client.replay({ ...request, dryRun: true }) });
        }
        const { count } = await withProgress(io, `replaying at ${flags.server}`, client.replay(request));
        if (flags.json) printJson(io, { count });
        else print(io, `${counted(count, 'delivery', 'deliveries')} to be sent again`);
      },
    );

const replayable = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  parserOf((one) => ['dead-letter', 'delivered'].find((state) => state === one), 'dead-letter or delivered')(value),
];

const discardCommand = (io: Io): Command =>
  create('discard', io, changeFlags())
    .summary('remove dead letters')
    .description(
      'Removes dead letters for good. Asks for confirmation, unless full ids name all of them; without a terminal, --yes is ' +
        'required then.',
    )
    .argument('[ids...]', 'their ids or prefixes of them')
    .addHelpText(
      'after',
      helpWith([
        ['flux-cdevents deliveries discard 3f2b9c1e', 'one'],
        ['flux-cdevents deliveries discard --provider flux-system/old-hub', 'those of one Provider'],
      ]),
    )
    .action(async (ids: string[], flags: SelectFlags) => {
      const request = change(ids, flags);
      const client = await createControllerClient(flags);
      if (!flags.yes) {
        const named = areNamed(ids, flags) && ids.every(isFullId) ? ids.length : 0;
        await askConsent(io, { verb: 'discard', named, count: () => client.discard({ ...request, dryRun: true }) });
      }
      const { count } = await withProgress(io, `discarding at ${flags.server}`, client.discard(request));
      if (flags.json) printJson(io, { count });
      else print(io, `${counted(count, 'dead letter')} discarded`);
    });

const selection = ({ provider, type, since }: FilterFlags) => ({
  ...(provider !== undefined && { provider }),
  ...(type !== undefined && { type }),
  ...(since !== undefined && { since }),
});

/** True when ids alone select. */
const areNamed = (ids: readonly string[], flags: SelectFlags): boolean =>
  ids.length > 0 && Object.keys(selection(flags)).length === 0;

/** The id of an entry, not the start of one or that of a CDEvent, which several Providers may get. */
const isFullId = (id: string): boolean => /.\.[0-9a-f]{8}$/.test(id);

function change(ids: string[], { all, ...flags }: SelectFlags) {
  const narrowed = { ...selection(flags), ...(ids.length > 0 && { ids }) };
  if (Object.keys(narrowed).length === 0 && !all) {
    throw new FluxCDEventsError(
      'FCE_OPTION_INVALID',
      'give ids, --provider, --type or --since, or --all to select all of them',
    );
  }
  return { ...narrowed, ...(all && { all }) };
}
