import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { FluxCDEventsError, messageOf } from './errors.ts';
import type { Address } from './options/address.ts';

/**
 * A start that can be cancelled, and a stop that undoes it at any time:
 *
 *     new ──start──► starting ──────► running
 *      │                │  failed        │
 *      └─────stop───────┴─────► stopping ◄┘ ──► stopped
 *
 * Everything that must be released later is opened through a lifecycle. What opens after a stop was requested is
 * released at once, and the start ends there.
 */
export interface Lifecycle {
  /** Aborts when a stop is requested. */
  readonly signal: AbortSignal;
  /**
   * Runs the start. When it fails, everything that was opened is released first; `stop` reports a release that failed.
   * @throws {FluxCDEventsError} `FCE_STOPPED` when a stop was requested before the start completed
   */
  start<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Waits for something to open.
   * @param release undoes it
   * @throws {FluxCDEventsError} `FCE_STOPPED` when a stop was requested in the meantime; what opened is then released
   */
  open<T>(opening: Promise<T> | T, release: (opened: T) => unknown): Promise<T>;
  /** Registers something to release on stop. The last one registered is released first. */
  onStop(release: () => unknown): void;
  /**
   * Listens until the stop.
   * @param name in error messages: `events`
   * @returns the URL of the server on this machine, with the real port in place of port 0
   * @throws {FluxCDEventsError} `FCE_LISTEN_FAILED`, `FCE_STOPPED`
   */
  listen(server: FastifyInstance, address: Address, name: string): Promise<string>;
  /**
   * Repeats some work until the stop.
   * @param work resolves with the milliseconds until the next time. It logs its own failures: when it rejects, it is
   * repeated after `firstMs`
   */
  repeat(firstMs: number, work: () => Promise<number>): void;
  /**
   * Releases everything, the last opened first. Waits for a start under way to end, but no longer than `graceMs`.
   * @throws the first error of a release, once everything else is released
   */
  stop(graceMs: number): Promise<void>;
}

export function createLifecycle(): Lifecycle {
  const stopping = new AbortController();
  const { signal } = stopping;
  const releases: (() => unknown)[] = [];
  const failures: unknown[] = [];
  let starting: Promise<unknown> = Promise.resolve();
  let stopped: Promise<void> | undefined;

  const releaseAll = async (): Promise<void> => {
    for (let release = releases.pop(); release; release = releases.pop()) {
      try {
        await release();
      } catch (error) {
        failures.push(error);
      }
    }
  };

  const lifecycle: Lifecycle = {
    signal,
    async start(work) {
      const run = async () => {
        assertNotStopping(signal);
        try {
          return await work();
        } catch (error) {
          // What the stop interrupted fails with errors of its own, but the cause is the stop.
          assertNotStopping(signal);
          await releaseAll();
          throw error;
        }
      };
      const running = run();
      starting = running.catch(() => {});
      return running;
    },
    async open(opening, release) {
      const opened = await opening;
      if (signal.aborted) await release(opened);
      assertNotStopping(signal);
      releases.push(() => release(opened));
      return opened;
    },
    onStop: (release) => void releases.push(release),
    async listen(server, address, name) {
      await lifecycle.open(bind(server, address, name), () => server.close());
      return urlOf(server);
    },
    repeat(firstMs, work) {
      let timer: NodeJS.Timeout;
      const schedule = (ms: number) => {
        if (!signal.aborted) timer = setTimeout(() => void run(), ms).unref();
      };
      const run = async () => schedule(await work().catch(() => firstMs));
      schedule(firstMs);
      signal.addEventListener('abort', () => clearTimeout(timer));
    },
    stop(graceMs) {
      stopped ??= (async () => {
        stopping.abort();
        await releaseAll();
        await within(graceMs, starting);
        await releaseAll();
        if (failures.length > 0) throw failures[0];
      })();
      return stopped;
    },
  };
  return lifecycle;
}

function assertNotStopping(signal: AbortSignal): void {
  if (signal.aborted) throw new FluxCDEventsError('FCE_STOPPED', 'stopped before the start completed');
}

/** Waits for a promise, but at most `ms` milliseconds. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}

async function bind(server: FastifyInstance, { host, port }: Address, name: string): Promise<void> {
  try {
    await server.listen({ host: host ?? '::', port }).catch((error: NodeJS.ErrnoException) => {
      // All interfaces, on a machine without IPv6.
      if (host !== undefined || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.code ?? '')) throw error;
      return server.listen({ host: '0.0.0.0', port });
    });
  } catch (cause) {
    throw new FluxCDEventsError('FCE_LISTEN_FAILED', `${name} address: ${messageOf(cause)}`, { cause });
  }
}

function urlOf({ server }: FastifyInstance): string {
  const { address, family, port } = server.address() as AddressInfo;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  if (address === '::' || address === '0.0.0.0') return `${scheme}://127.0.0.1:${port}`;
  return family === 'IPv6' ? `${scheme}://[${address}]:${port}` : `${scheme}://${address}:${port}`;
}
