import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FluxCDEventsError } from '../errors.ts';

const BIN = join(import.meta.dirname, '../../bin/flux-cdevents.js');
/** A process that has not ended by then is killed. */
const END_WITHIN_MS = 8000;
/** The last lines of standard error, for the message when a process ends early. */
const KEPT_LINES = 20;

/** A command of this program, running as a process of its own. */
export interface DemoProcess {
  readonly pid: number | undefined;
  /** Reads lines until `read` answers something other than undefined, and resolves with that. */
  line<T>(from: 'stdout' | 'stderr', read: (line: string) => T | undefined): Promise<T>;
  /** Sends SIGTERM and waits for the end. */
  end(): Promise<void>;
  /** Sends SIGKILL, in the middle of whatever the process does. */
  kill(): Promise<void>;
}

/**
 * Starts `flux-cdevents` with the arguments, and without the environment variables that set its flags, so that the demo is
 * the same everywhere.
 * @param onLine called with every line of its standard output
 */
export function startProcess(args: readonly string[], onLine: (line: string) => void = () => undefined): DemoProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FLUX_CDEVENTS_')));
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const last: string[] = [];
  const lines = {
    stdout: createInterface({ input: child.stdout }),
    stderr: createInterface({ input: child.stderr }),
  };
  lines.stdout.on('line', onLine);
  lines.stderr.on('line', (line) => {
    last.push(line);
    if (last.length > KEPT_LINES) last.shift();
  });
  return {
    pid: child.pid,
    line: (from, read) =>
      new Promise((resolve, reject) => {
        const listener = (line: string) => {
          const answer = read(line);
          if (answer === undefined) return;
          lines[from].off('line', listener);
          resolve(answer);
        };
        lines[from].on('line', listener);
        void exited.then(() => {
          const said = last.length > 0 ? `:\n${last.join('\n')}` : '';
          reject(new FluxCDEventsError('FCE_DEMO_FAILED', `flux-cdevents ${args[0]} ended early${said}`));
        });
      }),
    async end() {
      if (!isRunning(child)) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
      await exited;
      clearTimeout(timer);
    },
    async kill() {
      if (!isRunning(child)) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;
