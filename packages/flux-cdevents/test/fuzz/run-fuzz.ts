import fc from 'fast-check';
import { slowness } from '../helpers/processor-time.ts';
import { Connection } from './exchange.ts';
import { type Input, inputs, readCorpus } from './inputs.ts';
import { type ServerUnderTest, startServer } from './server.ts';

const PARALLEL = 32;
const TENTHS = 10;

/** What a tenth of the inputs came to. */
export interface FuzzTenth {
  readonly inputs: number;
  readonly rssMiB: number;
  /** The longest time that the event loop of the server was away, in ms of a quiet machine. */
  readonly heldMs: number;
}

export interface FuzzResult {
  readonly seconds: number;
  readonly tenths: readonly FuzzTenth[];
  /** How many inputs of each kind there were, and how often each status came. */
  readonly kinds: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** The smallest input that each connection found to be answered wrongly, as text for the corpus. */
  readonly failures: readonly string[];
  /** Whether a good event was accepted after each tenth. */
  readonly goodEvents: readonly boolean[];
  readonly alive: boolean;
  readonly unexpectedLines: readonly string[];
}

/** Sends the corpus and then so many inputs to a server in a process of its own. */
export async function runFuzz(count: number, seed: number): Promise<FuzzResult> {
  const server = await startServer();
  const startedAt = performance.now();
  try {
    const run = new Run(server, count);
    await server.probe(); // what starting took does not count
    await run.prove();
    const checks = Array.from({ length: PARALLEL }, (_, index) => run.check(Math.ceil(count / PARALLEL), seed + index));
    await Promise.all(checks);
    await run.settled();
    const { alive, unexpected } = server;
    return { ...run.result, alive, unexpectedLines: unexpected, seconds: (performance.now() - startedAt) / 1000 };
  } finally {
    await server.stop();
  }
}

class Run {
  readonly result = {
    tenths: [] as FuzzTenth[],
    kinds: new Map<string, Map<string, number>>(),
    failures: [] as string[],
    goodEvents: [] as boolean[],
  };
  readonly #server: ServerUnderTest;
  readonly #count: number;
  #sent = 0;
  #measuring: Promise<void> = Promise.resolve();

  constructor(server: ServerUnderTest, count: number) {
    this.#server = server;
    this.#count = count;
  }

  /** The corpus, one after the other. */
  async prove(): Promise<void> {
    const clients = this.#connect();
    for (const input of readCorpus()) {
      const wrong = await this.#faultOf(input, clients);
      if (wrong) this.result.failures.push(`${input.kind}: ${wrong}`);
    }
    close(clients);
  }

  /** Generated inputs, over one connection to each server. A wrong answer is shrunk to the smallest input that has it. */
  async check(numRuns: number, seed: number): Promise<void> {
    const clients = this.#connect();
    let wrong: string | undefined;
    const property = fc.asyncProperty(inputs, async (input) => {
      wrong = await this.#faultOf(input, clients);
      if (wrong) throw new Error(wrong);
      this.#sent += 1;
      if (this.#sent % Math.ceil(this.#count / TENTHS) === 0) this.#measure();
    });
    const { failed, counterexample, errorInstance } = await fc.check(property, {
      numRuns,
      seed,
      interruptAfterTimeLimit: 600_000,
    });
    close(clients);
    if (!failed || !counterexample) return;
    const [input] = counterexample;
    const sent =
      input.bytes.length > 4_000
        ? `${input.bytes.subarray(0, 4_000).toString('latin1')}…`
        : input.bytes.toString('latin1');
    this.result.failures.push(`${input.kind}: ${String(errorInstance)}\nsmallest: ${JSON.stringify(sent)}`);
  }

  /** Resolves when everything that was begun is measured. */
  settled(): Promise<void> {
    return this.#measuring;
  }

  #connect(): Clients {
    const { ports } = this.#server;
    return { events: new Connection(ports.events), ui: new Connection(ports.ui) };
  }

  async #faultOf(input: Input, clients: Clients): Promise<string | undefined> {
    const { to, bytes, answers, allowed, kind, bodyless } = input;
    const { statuses, closed } =
      answers === 'closes'
        ? await Connection.sendAndEnd(this.#server.ports[to], bytes)
        : await clients[to].send(bytes, answers, bodyless);
    const seen = this.result.kinds.get(kind.startsWith('corpus') ? 'corpus' : kind) ?? new Map<string, number>();
    this.result.kinds.set(kind.startsWith('corpus') ? 'corpus' : kind, seen);
    for (const status of statuses.length > 0 ? statuses : ['closed'])
      seen.set(`${status}`, (seen.get(`${status}`) ?? 0) + 1);
    const wrong = statuses.filter((status) => !allowed.includes(status));
    if (wrong.length > 0) return `answered ${wrong.join()}, expected one of ${allowed.join()}`;
    if (answers !== 'closes' && statuses.length < answers)
      return `${statuses.length} of ${answers} answers${closed ? ', then closed' : ''}`;
    return undefined;
  }

  #measure(): void {
    const inputs = this.#sent;
    this.#measuring = this.#measuring.then(async () => {
      const { heldMs, rssBytes } = await this.#server.probe();
      this.result.tenths.push({
        inputs,
        rssMiB: Math.round(rssBytes / 2 ** 20),
        heldMs: Math.round(heldMs / slowness()),
      });
      this.result.goodEvents.push(await this.#isGoodEventAccepted(inputs));
    });
  }

  async #isGoodEventAccepted(number: number): Promise<boolean> {
    const event = {
      involvedObject: { kind: 'HelmRelease', namespace: 'apps', name: `good-${number}` },
      reason: 'UpgradeSucceeded',
      message: 'Helm upgrade succeeded',
    };
    const url = `http://127.0.0.1:${this.#server.ports.events}/`;
    return (await fetch(url, { method: 'POST', body: JSON.stringify(event) })).status === 202;
  }
}

type Clients = Readonly<Record<Input['to'], Connection>>;

function close({ events, ui }: Clients): void {
  events.close();
  ui.close();
}

/** The figures of a run as lines. */
export function describeFuzz({ tenths, kinds, seconds }: FuzzResult): string {
  const statuses = [...kinds].map(
    ([kind, seen]) => `${kind.padEnd(28)} ${[...seen].map(([status, times]) => `${status}: ${times}`).join(', ')}`,
  );
  const curve = tenths.map(({ inputs, rssMiB, heldMs }) => `${inputs} inputs: ${rssMiB} MiB, loop held ${heldMs} ms`);
  return [...statuses, ...curve, `${seconds.toFixed(1)} s`].join('\n');
}
