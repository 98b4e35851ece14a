import { describe, expect, it } from 'vitest';
import { formatIssue } from '../diagnostics/format.ts';
import { withFile } from '../diagnostics/issue.ts';
import { readCases } from './read-cases.ts';

const issuesOf = (text: string) => readCases(text).issues.map((issue) => formatIssue(withFile('cases.yaml', issue)));
const one = (fields: string) => `cases:\n  - name: a\n    ${fields.trim().replaceAll('\n', '\n    ')}\n`;

describe('a file of cases', () => {
  it('is read', () => {
    const text = `
mapping: rules.yaml
specVersion: 0.5
eventMetadata: { env: production }
cases:
  - name: single
    event: events/one.json
    skipped: ignored
    rule: mine
  - name: story
    eventMetadata: {}
    steps:
      - event: { reason: UpgradeFailed }
        expect: [{ type: taskrun.finished }, { type: acme-canary.started }]
      - event: { reason: UpgradeSucceeded }
        error: no such key
`;
    expect(readCases(text)).toEqual({
      issues: [],
      file: {
        mapping: 'rules.yaml',
        specVersion: '0.5',
        eventMetadata: { env: 'production' },
        cases: [
          {
            name: 'single',
            line: 6,
            steps: [{ event: 'events/one.json', line: 6, expect: [], skipped: 'ignored', rule: 'mine' }],
          },
          {
            name: 'story',
            line: 10,
            eventMetadata: {},
            steps: [
              {
                event: { reason: 'UpgradeFailed' },
                line: 13,
                expect: [{ type: 'taskrun.finished' }, { type: 'acme-canary.started' }],
              },
              { event: { reason: 'UpgradeSucceeded' }, line: 15, expect: [], error: 'no such key' },
            ],
          },
        ],
      },
    });
  });

  it.each<[string, string, string]>([
    ['nothing', '', '1:1: document: expected a map with cases, found nothing'],
    [
      'a name without a namespace',
      `provider: hub\n${one('event: {reason: X}\nexpect: []')}`,
      '1:11: provider: expected namespace/name, found "hub"',
    ],
    ['no cases', 'cases: []', '1:1: cases: expected a list of 1 to 2000 cases, found 0'],
    [
      'a preset that does not exist',
      'preset: servise\ncases: [{name: a, event: {reason: X}, expect: []}]',
      '1:9: preset: expected the name of a preset: rfc, service or none (did you mean service?), found "servise"',
    ],
    [
      'a version that does not exist',
      'specVersion: 0.6\ncases: [{name: a, event: {reason: X}, expect: []}]',
      '1:14: specVersion: expected 0.3, 0.4 or 0.5, found the number 0.6',
    ],
    ['a case without an event', one('expect: []'), '2:5: cases[0].event: expected an event, or steps, found nothing'],
    [
      'an event without a reason',
      one('event: {}\nexpect: []'),
      'cases[0].event.reason: expected the reason of the event, found nothing',
    ],
    [
      'a case that expects nothing',
      one('event: {reason: X}'),
      'cases[0].expect: expected a list of CDEvents ([] for none), skipped or error, found nothing',
    ],
    [
      'a field that is misspelt',
      one('event: {reson: X}\nexpect: []'),
      'cases[0].event.reson: expected one of the fields reason, involvedObject',
    ],
    [
      'a number as metadata',
      one('event: {reason: X, metadata: {revision: 6.5}}\nexpect: []'),
      'cases[0].event.metadata.revision: expected a text (put it in quotes), found the number 6.5',
    ],
    [
      'a time that is none',
      one('event: {reason: X, timestamp: today}\nexpect: []'),
      'expected an RFC 3339 date-time, found "today"',
    ],
    [
      'a type that does not exist',
      one('event: {reason: X}\nexpect: [{type: service.upgrade}]'),
      'cases[0].expect[0].type: expected an event name such as service.upgraded (did you mean service.upgraded?), found "service.upgrade"',
    ],
    [
      'a type twice',
      one('event: {reason: X}\nexpect: [{type: service.upgraded}, {type: service.upgraded}]'),
      'cases[0].expect[1].type: expected a type that no CDEvent before it has, found "service.upgraded"',
    ],
    [
      'a case with steps and an event',
      one('event: {reason: X}\nsteps: [{event: {reason: X}, expect: []}]'),
      'cases[0].event: expected either steps or an event of the case itself, found both',
    ],
    [
      'CDEvents of what is skipped',
      one('event: {reason: X}\nskipped: ignored\nexpect: [{type: service.upgraded}]'),
      'cases[0].skipped: expected no CDEvents beside it, found 1 in expect',
    ],
    [
      'a name twice',
      'cases:\n  - {name: a, event: {reason: X}, expect: []}\n  - {name: a, event: {reason: X}, expect: []}',
      '3:12: cases[1].name: expected a name that no other case has, found that of cases[0] on line 2',
    ],
    ['no YAML', 'cases: [', 'expected YAML, found an error: '],
  ])('with %s is refused', (_, text, expected) => {
    const issues = issuesOf(text);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toContain(expected);
  });

  it.each<[string, string]>([
    ['a name', 'cases:\n  - {name: a, event: {reason: X}, expect: []}\n  - {name: a, event: {reason: X}, expect: []}'],
    ['a type', one('event: {reason: X}\nexpect: [{type: service.upgraded}, {type: service.upgraded}]')],
  ])('has %s that occurs twice reported as a duplicate, as a mapping has', (_, text) => {
    expect(readCases(text).issues).toMatchObject([{ code: 'duplicate' }]);
  });

  it('says all that is wrong at once', () => {
    const text = one('event: {reson: X, severity: warn}\nexpect: [{type: nope}]\nskiped: ignored');
    expect(issuesOf(text).map((issue) => issue.split(': ')[1])).toEqual([
      'cases[0].event.reson',
      'cases[0].event.severity',
      'cases[0].expect[0].type',
      'cases[0].skiped',
    ]);
  });
});
