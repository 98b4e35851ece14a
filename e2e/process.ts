import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A child process whose lines can be waited for. */
export interface Child {
  readonly pid: number;
  /** The lines of its output so far, of both streams; after some thousands the oldest are dropped. */
  readonly lines: readonly string[];
  readonly running: boolean;
  /** How it ended: its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Resolves with the first line, past or future, that matches. Rejects when the process ends first. */
  line(matches: RegExp | ((line: string) => boolean)): Promise<string>;
  /** Sends SIGTERM, and SIGKILL if that does not help in time. Resolves when the process has ended. */
  stop(withinMs?: number): Promise<void>;
  /** Sends SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>;
}

const KEPT_LINES = 20_000;
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Starts a program that does not outlive this process. */
export function startChild(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Child> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  alive.add(child);
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      for (const listener of listeners) listener(line);
    });
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0)),
  );
  void ended.then(() => alive.delete(child));
  const running = () => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals, withinMs?: number) => {
    if (running()) child.kill(signal);
    const timer = withinMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), withinMs);
    await ended;
    clearTimeout(timer);
  };

  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      alive.delete(child);
      reject(error);
    });
    child.once('spawn', () =>
      resolve({
        pid: child.pid ?? 0,
        lines,
        ended,
        get running() {
          return running();
        },
        line: (matches) =>
          new Promise((found, gone) => {
            const test = typeof matches === 'function' ? matches : (line: string) => matches.test(line);
            const listener = (line: string) => {
              if (!test(line)) return;
              listeners.delete(listener);
              found(line);
            };
            const past = lines.find(test);
            if (past !== undefined) {
              found(past);
              return;
            }
            listeners.add(listener);
            void ended.then(() => {
              listeners.delete(listener);
              gone(new Error(`${program} ended with ${child.exitCode ?? child.signalCode}:\n${tail(lines)}`));
            });
          }),
        stop: (withinMs = 15_000) => end('SIGTERM', withinMs),
        kill: () => end('SIGKILL'),
      }),
    );
  });
}

export const tail = (lines: readonly string[], count = 20): string => lines.slice(-count).join('\n');
