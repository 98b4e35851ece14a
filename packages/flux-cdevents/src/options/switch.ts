import type { Option } from 'commander';
import type { Issue } from '../diagnostics/issue.ts';
import { camel, flagIssue, type RawOptions, serveFlag } from './flag.ts';

/**
 * A Go switch: alone, or with `=true` or `=false`. Its value is optional, so that commander does not treat `--no-…` as
 * a negation.
 */
export function switchFlag(name: string, description: string): Option {
  const option = serveFlag(`${name} [bool]`, description);
  option.negate = false;
  return option;
}

/** The value of a switch. Adds an issue for a value that is neither true nor false. */
export function switchOf(raw: RawOptions, name: string, issues: Issue[], fallback = false): boolean {
  const value = raw[camel(name)];
  if (value === undefined) return fallback;
  if (value === 'false') return false;
  if (value !== true && value !== 'true') issues.push(flagIssue(name, 'true or false', String(value)));
  return true;
}
