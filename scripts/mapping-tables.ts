import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { presets } from '../packages/flux-cdevents/src/mapping/presets/presets.ts';
import type { Emit, Rule } from '../packages/flux-cdevents/src/mapping/rules/mapping-model.ts';

/*
 * Writes the tables of the presets into docs/mapping.md, made from the rules themselves: `npm run docs`. A test holds
 * the page against them.
 */

export const MAPPING_PAGE = fileURLToPath(new URL('../docs/mapping.md', import.meta.url));

/** The page with the table of each preset between its marks. */
export function withTables(page: string): string {
  return ['rfc', 'service'].reduce((text, name) => {
    const table = tableOf(presets[name as 'rfc' | 'service'].rules);
    const [begin, end] = [`<!-- rules of preset ${name} -->`, `<!-- end of preset ${name} -->`];
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`${MAPPING_PAGE}: expected ${begin} and ${end}`);
    return `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`;
  }, page);
}

const tableOf = (rules: readonly Rule[]): string =>
  [
    '| Rule | Flux event | CDEvents |',
    '|---|---|---|',
    ...rules.map(({ name, optional, match, emit }) => {
      const named = optional ? `${name} (optional: \`${optional}\`)` : name;
      return `| ${named} | ${describeMatch(match)} | ${emit.map(describeEmit).join('<br>')} |`;
    }),
  ].join('\n');

/** Kinds and reasons in plain words, and whatever else the expression asks for as it stands. */
function describeMatch(match: string): string {
  const parts = splitConjunction(match);
  const kinds = parts.flatMap((part) => valuesOf('event.involvedObject.kind', part) ?? []);
  const reasons = parts.flatMap((part) => valuesOf('event.reason', part) ?? []);
  const others = parts.filter((part) => !/^event\.(involvedObject\.kind|reason) (==|in) /.test(part));
  return [
    [kinds.join(' or '), reasons.join(', ')].filter(Boolean).join(' '),
    ...others.map((part) => code(part.replace(/^\((.*)\)$/, '$1'))),
  ]
    .filter(Boolean)
    .join('; ');
}

/** What is joined by `&&` outside of parentheses. */
function splitConjunction(match: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const word of match.split(' ')) {
    if (word === '&&' && depth === 0) {
      parts.push('');
      continue;
    }
    depth += word.split('(').length - word.split(')').length;
    parts.push(`${parts.pop()} ${word}`.trim());
  }
  return parts;
}

/** The values that a field is compared with: `field == 'a'`, `field in ['a', 'b']`. */
function valuesOf(field: string, part: string): string[] | undefined {
  const [name, operator, ...values] = part.split(' ');
  if (name !== field || (operator !== '==' && operator !== 'in')) return undefined;
  return values.map((value) => value.replaceAll(/[[\]',]/g, ''));
}

function describeEmit({ type, incident }: Emit): string {
  if (!incident) return type;
  const { cause, oncePer } = incident;
  if (type === 'incident.resolved') return `${type} if ${cause ? `only ${cause}` : 'one'} is open`;
  return `${type} once${oncePer === undefined ? '' : ` for each \`${oncePer.replace('event.metadata.?', '')}\``}`;
}

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

if (import.meta.main) writeFileSync(MAPPING_PAGE, withTables(readFileSync(MAPPING_PAGE, 'utf8')));
