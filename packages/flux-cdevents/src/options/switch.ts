import type { Option } from 'commander';
import { camel, flag, type RawOptions } from './flag.ts';

/** A Go switch: alone, or with `=true` or `=false`. Its value is optional, so that `--no-…` is no negation here. */
export function switchFlag(name: string, description: string): Option {
  const option = flag(`${name} [bool]`, description);
  option.negate = false;
  return option;
}

/** What a switch says. Adds to the issues what is neither true nor false. */
export function switchOf(raw: RawOptions, name: string, issues: string[], fallback = false): boolean {
  const value = raw[camel(name)];
  if (value === undefined) return fallback;
  if (value === 'false') return false;
  if (value !== true && value !== 'true') issues.push(`--${name}: expected true or false, found ${value}`);
  return true;
}
