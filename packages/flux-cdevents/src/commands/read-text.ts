import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { FluxCDEventsError, messageOf } from '../errors.ts';
import { type Io, note } from './io.ts';

/** @throws {FluxCDEventsError} `FCE_OPTION_INVALID` when the file cannot be read */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new FluxCDEventsError('FCE_OPTION_INVALID', `cannot read ${file}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Reads Flux events from a file, or from standard input for `-` or no name.
 * @throws {FluxCDEventsError} `FCE_OPTION_INVALID` when the file cannot be read
 */
export async function readInput(io: Io, file: string | undefined): Promise<string> {
  if (file !== undefined && file !== '-') return readText(file);
  if (io.stdin.isTTY) note(io, 'reading Flux events from the terminal; end them with Ctrl-D');
  return text(io.stdin);
}
