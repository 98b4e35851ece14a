import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type CDEvent, type ContentMode, type HttpMessage, toHttp } from '../../src/index.ts';
import { aCDEvent, aCustomEvent, everyEvent } from '../helpers/samples.ts';

const manifest = fileURLToPath(new URL('../../../../interop/rust/Cargo.toml', import.meta.url));
const cargoIsHere = spawnSync('cargo', ['--version']).status === 0;
if (!cargoIsHere) {
  // biome-ignore lint/suspicious/noConsole: a skipped test should say so
  console.warn('interop: the Rust SDK is not asked, since there is no cargo');
}

/** What the Rust program answers to one message. */
interface Answer {
  error?: string;
  events?: {
    type: string;
    id: string;
    source: string;
    subject: string;
    attributes: Record<string, unknown>;
    event: CDEvent;
  }[];
}

interface Case {
  title: string;
  mode: ContentMode;
  event: CDEvent;
}

const modes = ['binary', 'structured', 'batched'] as const;
const everyField = everyEvent.map(({ name, specVersion }) => ({
  title: `${name} of ${specVersion}`,
  event: aCDEvent(name, specVersion),
}));
const requiredFields = everyEvent.map(({ name, specVersion }) => ({
  title: `${name} of ${specVersion}, nothing optional`,
  event: aCDEvent(name, specVersion, false),
}));
const custom = (['0.4', '0.5'] as const).map((specVersion) => ({
  title: `a custom event of ${specVersion}`,
  event: aCustomEvent(specVersion),
}));
const encoded = { title: 'a subject that no header can hold as it is', event: aCDEvent('artifact.signed', '0.4') };
encoded.event.subject.id = 'pkg:oci/pödinfo@sha256%3Aab "😀"';
const cases: Case[] = [...everyField, ...requiredFields, ...custom, encoded].flatMap((sample) =>
  modes.map((mode) => ({ ...sample, mode })),
);

function askRust(messages: readonly (HttpMessage & { mode: ContentMode })[]): Answer[] {
  const input = `${messages.map((message) => JSON.stringify(message)).join('\n')}\n`;
  const args = ['run', '--quiet', '--release', '--locked', '--manifest-path', manifest];
  const output = execFileSync('cargo', args, { input, encoding: 'utf8', maxBuffer: 2 ** 28, stdio: 'pipe' });
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

describe.skipIf(!cargoIsHere)('the CDEvents SDK for Rust', () => {
  const answers = cargoIsHere
    ? askRust(
        cases.map(({ event, mode }) => ({ mode, ...toHttp(event, { mode, extensions: { partitionkey: 'ü 1%' } }) })),
      )
    : [];

  it('answers every message', () => expect(answers).toHaveLength(cases.length));

  it.each(cases.map((sample, index) => ({ ...sample, answer: answers[index] })))(
    'reads $title, $mode',
    ({ answer, ...sample }) => {
      const { context, subject } = sample.event;
      expect(answer?.error).toBeUndefined();
      expect(answer?.events).toHaveLength(1);
      const read = answer?.events?.[0];
      expect(read).toMatchObject({ type: context.type, id: context.id, source: context.source, subject: subject.id });
      expect(read?.attributes).toMatchObject({ time: context.timestamp, partitionkey: 'ü 1%' });
      expect(read?.event).toEqual(sample.event);
    },
  );

  it('reads many events in one batch', () => {
    const events = everyField.map(({ event }) => event);
    const [answer] = askRust([{ mode: 'batched', ...toHttp(events, { mode: 'batched' }) }]);
    expect(answer?.events?.map(({ event }) => event)).toEqual(events);
  });

  it('tells a header that does not mirror its event, so that its yes means something', () => {
    const message = toHttp(aCDEvent('build.started', '0.4'));
    message.headers['ce-id'] = 'other';
    expect(askRust([{ mode: 'binary', ...message }])).toMatchObject([
      { error: expect.stringContaining('id: expected') },
    ]);
  });
});
