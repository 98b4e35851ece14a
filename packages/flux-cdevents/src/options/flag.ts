import { Option } from 'commander';
import { createIssue, type Issue, type IssueCode } from '../diagnostics/issue.ts';

/** What commander hands over: text, or true for a switch. */
export type RawOptions = Readonly<Record<string, string | boolean | undefined>>;

/** The environment variable of a flag: for `--fail-rate` that is `FLUX_CDEVENTS_FAIL_RATE`. */
export const variableOf = (option: Option): string =>
  `FLUX_CDEVENTS_${option.name().replaceAll('-', '_').toUpperCase()}`;

/** A flag with its environment variable. */
export const serveFlag = (flags: string, description: string, fallback?: string): Option => {
  const option = new Option(flags, description);
  if (fallback !== undefined) option.default(fallback);
  return option.env(variableOf(option));
};

/** A flag that may be repeated. Its environment variable separates the values with commas. */
export const listFlag = (flags: string, description: string): Option =>
  serveFlag(flags, `${description}; repeatable`).argParser((value: string, before?: string) =>
    before === undefined ? value : `${before},${value}`,
  );

/** The values of a `listFlag`. */
export const listOf = (raw: RawOptions, name: string): readonly string[] => {
  const value = raw[camel(name)];
  const parts = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : [];
  return [...new Set(parts.filter((part) => part !== ''))];
};

/** The issue of a flag. */
export const flagIssue = (name: string, expected: string, found: string, code: IssueCode = 'invalid-value'): Issue =>
  createIssue(code, [`--${name}`], expected, found);

/** The text of a flag; undefined when it is not given, or empty. */
export const textOf = (raw: RawOptions, name: string): string | undefined => {
  const value = raw[camel(name)];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** The name under which commander keeps an option. */
export const camel = (name: string): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
