import { type Issue, type IssueCode, type ObjectName, type Path, type Place, reportedObject } from './issue.ts';

const MAX_PATH_CHARS = 400;

/** `spec.eventSources[0].matchLabels[app.kubernetes.io/name]`: keys that are not plain words are in brackets. */
export function formatPath(path: Path): string {
  const [first, ...rest] = path;
  if (first === undefined) return '';
  const text = rest.reduce<string>(
    (before, segment) =>
      typeof segment === 'string' && /^[A-Za-z_][\w-]*$/.test(segment)
        ? `${before}.${segment}`
        : `${before}[${segment}]`,
    String(first),
  );
  return text.length > MAX_PATH_CHARS ? `${text.slice(0, MAX_PATH_CHARS)}…` : text;
}

/** `providers.yaml:12:7`. */
export const formatPlace = ({ file, line, column }: Place): string =>
  [file, line, column].filter((part) => part !== undefined).join(':');

/** `Provider flux-system/hub`. */
export const formatObject = ({ kind, namespace, name }: ObjectName): string => {
  const full = [namespace, name].filter((part) => part !== undefined).join('/');
  return full === '' ? kind : `${kind} ${full}`;
};

/** Where the fault is, for a reader who knows the object that it is reported on: `spec.address`, `Secret token: headers`. */
export function formatLocation({ object, affects, path, textPlace }: Issue): string {
  const parts = [
    affects && object && formatObject({ kind: object.kind, ...(object.name !== undefined && { name: object.name }) }),
    textPlace && formatPlace(textPlace),
    formatPath(path) || (object ? undefined : 'document'),
  ];
  return parts.filter((part) => part !== undefined).join(': ');
}

/** The same with the fault: `Secret token: headers: expected a YAML map of header names to values, found 9 bytes`. */
export function formatFault(issue: Issue): string {
  const fault = `expected ${issue.expected}, found ${issue.found}`;
  const location = formatLocation(issue);
  return location === '' ? fault : `${location}: ${fault}`;
}

/** The whole issue: `providers.yaml:12: Provider flux-system/hub: spec.address: expected an http or https URL, found ftp`. */
export function formatIssue(issue: Issue): string {
  const object = reportedObject(issue);
  const parts = [issue.place && formatPlace(issue.place), object && formatObject(object), formatFault(issue)];
  return parts.filter((part) => part !== undefined && part !== '').join(': ');
}

/** An issue as JSON shows it, with names, places and paths as text. */
export interface IssueRecord {
  readonly code: IssueCode;
  readonly severity: Issue['severity'];
  readonly object?: string;
  readonly where?: string;
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

export function toRecord(issue: Issue): IssueRecord {
  const { code, severity, place, expected, found } = issue;
  const object = reportedObject(issue);
  return {
    ...(object && { object: formatObject(object) }),
    ...(place && { where: formatPlace(place) }),
    severity,
    code,
    path: formatLocation(issue),
    expected,
    found,
  };
}

/** Orders issues by file and line, those without a place first. Issues at the same place keep their order. */
export function comparePlaces({ place: a = {} }: Issue, { place: b = {} }: Issue): number {
  const [fileA, fileB] = [a.file ?? '', b.file ?? ''];
  if (fileA !== fileB) return fileA < fileB ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
