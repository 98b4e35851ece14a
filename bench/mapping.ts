import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { parseFluxEvent } from '../packages/flux-cdevents/src/flux/event.ts';
import { mergeMetadata } from '../packages/flux-cdevents/src/flux/metadata.ts';
import { objectKey } from '../packages/flux-cdevents/src/flux/object-ref.ts';
import { entriesOf } from '../packages/flux-cdevents/src/pipeline/event-entries.ts';
import type { ReadyProvider } from '../packages/flux-cdevents/src/provider/provider.ts';
import { DEFAULT_OPTIONS } from '../packages/flux-cdevents/src/provider/provider-options.ts';
import { median } from './load.ts';

/*
 * Measures how many events per second the mapping processes in one process, from the body of the request to the texts
 * that are stored, beside a bare JSON.parse of the same bodies. The variants take turns; the table shows medians.
 * usage: npm run bench:mapping -- [--rounds 7] [--events 20000]
 */

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, events: { type: 'string', default: '20000' } },
});
const rounds = Number(values.rounds);
const events = Number(values.events);

const recording = readFileSync(join(import.meta.dirname, '../packages/flux-cdevents/demo/rollout.jsonl'), 'utf8');
/** Only events that both presets map, so that every variant makes a CDEvent of each. */
const rollout = recording
  .trim()
  .split('\n')
  .filter((line) => /"reason":"(Install|Upgrade|Rollback|Test)(Succeeded|Failed)"/.test(line));
const bodies = Array.from({ length: events }, (_, index) => {
  const event = JSON.parse(rollout[index % rollout.length] ?? '{}');
  event.involvedObject.name = `release-${Math.floor(index / rollout.length) % 500}`;
  event.timestamp = new Date(Date.parse('2026-11-24T00:00:00Z') + index * 1000).toISOString();
  return JSON.stringify(event);
});

/** Rules as people write them, of which only the last one matches. */
const fiftyRules = stringify({
  preset: 'none',
  rules: [
    ...Array.from({ length: 49 }, (_, index) => ({
      name: `team-${index}`,
      match: [
        `event.involvedObject.namespace == 'team-${index}' && event.reason == 'UpgradeSucceeded'`,
        `event.metadata[?'team'].orValue('') == 'team-${index}' && event.severity == 'error'`,
        `event.involvedObject.name.startsWith('team-${index}-') && event.reason in ['InstallFailed', 'UpgradeFailed']`,
        `environment.id == 'production-${index}' && event.involvedObject.kind == 'HelmRelease'`,
        `event.message.matches('^Helm (install|upgrade) .*team-${index}') && event.severity == 'error'`,
      ][index % 5],
      emit: [{ type: 'service.upgraded' }],
    })),
    {
      name: 'everything-else',
      match: "event.involvedObject.kind == 'HelmRelease'",
      emit: [{ type: 'service.upgraded', customData: { runbook: "'https://runbooks.example.com/' + event.reason" } }],
    },
  ],
});

const ref = { namespace: 'flux-system', name: 'hub' };
const providerWith = (options: Partial<ReadyProvider['options']>): ReadyProvider => ({
  status: 'ready',
  ref,
  type: 'cdevents',
  suspend: false,
  options: { ...DEFAULT_OPTIONS, ...options },
  endpoint: { address: 'http://127.0.0.1', addressIsSecret: false, timeoutMs: 1000, headers: {}, secrets: [] },
  fingerprint: 'bench',
});

async function mapAll(provider: ReadyProvider): Promise<number> {
  const memories = new Map<string, string>();
  let made = 0;
  for (const body of bodies) {
    const event = parseFluxEvent(body, 0);
    const object = objectKey(event.involvedObject);
    const { metadata } = mergeMetadata(event, undefined);
    const destination = { alert: ref, metadata, provider: ref, resolved: provider };
    const mapped = await entriesOf(event, [destination], memories.get(object), { cluster: 'eu-1' });
    if (mapped.remember !== undefined) memories.set(object, mapped.remember);
    made += mapped.made.length;
  }
  return made;
}

let sink = 0;
const variants: Readonly<Record<string, () => number | Promise<number>>> = {
  'bare JSON.parse': () => {
    for (const body of bodies) sink += Object.keys(JSON.parse(body)).length;
    return 0;
  },
  'preset rfc': () => mapAll(providerWith({ preset: 'rfc' })),
  'preset service': () => mapAll(providerWith({ preset: 'service' })),
  '50 custom rules': () => mapAll(providerWith({ preset: 'none', mapping: { name: 'fifty', text: fiftyRules } })),
};

const seconds = new Map(Object.keys(variants).map((name) => [name, [] as number[]]));
const made = new Map<string, number>();
for (const run of Object.values(variants)) await run(); // warm
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(variants)) {
    const startedAt = performance.now();
    made.set(name, await run());
    seconds.get(name)?.push((performance.now() - startedAt) / 1000);
  }
}
const bare = median(seconds.get('bare JSON.parse') ?? []);
console.log(`${events.toLocaleString('en')} events, median of ${rounds} rounds, one process`);
for (const [name, taken] of seconds) {
  const each = median(taken);
  const perEvent = ((each / events) * 1e6).toFixed(1);
  console.log(
    `${name.padEnd(18)} ${Math.round(events / each)
      .toLocaleString('en')
      .padStart(9)} events/s  ${perEvent.padStart(6)} µs each  ` +
      `${(each / bare).toFixed(1).padStart(5)} × JSON.parse  ${(made.get(name) ?? 0).toLocaleString('en').padStart(7)} CDEvents`,
  );
}
if (sink < 0) throw new Error('unreachable');
