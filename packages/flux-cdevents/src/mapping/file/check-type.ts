import {
  eventNames,
  fullSpecVersions,
  isEventName,
  parseEventType,
  type SpecVersion,
  specVersions,
} from 'cdevents-sdk';
import { describeFound } from '../../diagnostics/describe.ts';
import type { Path } from '../../diagnostics/issue.ts';
import type { IssueList } from '../../diagnostics/issue-list.ts';
import { didYouMean, listed, suggest } from '../../diagnostics/words.ts';
import { isCustomType } from '../rules/defaults.ts';

const CUSTOM_FORM = 'dev.cdeventsx.<tool>-<subject>.<predicate>.<x.y.z>';

/** Reports a `type` that the spec version does not have. */
export function checkType(type: unknown, path: Path, version: SpecVersion, issues: IssueList): type is string {
  if (typeof type === 'string' && isCustomType(type)) return checkCustomType(type, path, version, issues);
  if (typeof type === 'string' && isEventName(type, version)) return true;
  const elsewhere = typeof type === 'string' ? versionsWith((other) => isEventName(type, other)) : '';
  const found = elsewhere === '' ? describeFound(type) : `one that exists ${elsewhere}`;
  issues.value(path, `an event name of CDEvents ${fullSpecVersions[version]}${hintFor(type, version)}`, found);
  return false;
}

function checkCustomType(type: string, path: Path, version: SpecVersion, issues: IssueList): boolean {
  if (version === '0.3') {
    issues.value(
      path,
      `an event name of CDEvents ${fullSpecVersions[version]}`,
      'a custom type, which there are from 0.4 on',
    );
    return false;
  }
  if (parseEventType(type)?.kind === 'custom') return true;
  const rule = 'letters only but for the tool, which may have digits; one digit each in the version';
  issues.value(path, `${CUSTOM_FORM} (${rule})`, describeFound(type));
  return false;
}

function hintFor(type: unknown, version: SpecVersion): string {
  const orCustom = version === '0.3' ? '' : `, or ${CUSTOM_FORM}`;
  if (typeof type !== 'string') return orCustom;
  const names = eventNames(version);
  const name = type.replace(/^dev\.cdevents\./, '').replace(/\.\d+\.\d+\.\d+$/, '');
  if (name !== type && isEventName(name, version)) return suggest(name);
  const meant = didYouMean(name, names);
  if (meant !== '') return meant;
  const [subject = ''] = name.toLowerCase().split('.');
  const siblings = names.filter((known) => known.startsWith(`${subject}.`));
  return siblings.length > 0 ? ` (${listed(siblings)})` : ` such as service.deployed${orCustom}`;
}

/** `from 0.4 on`, `up to 0.4`, `in 0.4`; empty when no version has it. */
export function versionsWith(has: (version: SpecVersion) => boolean): string {
  const having = specVersions.filter(has);
  const [first] = having;
  if (first === undefined) return '';
  if (having.at(-1) === specVersions.at(-1)) return `from ${first} on`;
  return first === specVersions[0] ? `up to ${having.at(-1)}` : `in ${listed(having, 'and')}`;
}
