import { type Environment, ParseError, TypeError as TypeFault } from '@marcbachmann/cel-js';
import { didYouMean, listed } from '../diagnostics/words.ts';
import { messageOf } from '../errors.ts';
import { createEnvironment, LIMITS, REPLACED } from './environment.ts';
import { ExpressionFault, type ExpressionIssue } from './fault.ts';
import type { ObjectTypes } from './object-types.ts';
import { calledNameOf, type Node, receiverNodeOf } from './tree.ts';

/** The tokens of the parser, as an author types them. */
const TOKENS: Readonly<Record<string, string>> = {
  EOF: 'the end',
  IDENTIFIER: 'a name',
  NUMBER: 'a number',
  STRING: 'a string',
  PLUS: '+',
  MINUS: '-',
  MULTIPLY: '*',
  DIVIDE: '/',
  MODULO: '%',
  EQ: '==',
  NE: '!=',
  LT: '<',
  LE: '<=',
  GT: '>',
  GE: '>=',
  AND: '&&',
  OR: '||',
  NOT: '!',
  IN: 'in',
  LPAREN: '(',
  RPAREN: ')',
  LBRACKET: '[',
  RBRACKET: ']',
  LBRACE: '{',
  RBRACE: '}',
  DOT: '.',
  COMMA: ',',
  COLON: ':',
  QUESTION: '?',
};

const LIMIT_NAMES: Readonly<Record<keyof typeof LIMITS, string>> = {
  maxAstNodes: 'parts in an expression',
  maxDepth: 'levels of nesting',
  maxListElements: 'items in a list',
  maxMapEntries: 'entries in a map',
  maxCallArguments: 'arguments in a call',
};

/** The names that an expression can use. */
export interface KnownNames {
  readonly variables: readonly string[];
  readonly fieldsOf: ObjectTypes['fieldsOf'];
}

/** Describes the fault of an expression that cannot be parsed or checked, for its author. */
export function describeFault(error: unknown, text: string, known: KnownNames): ExpressionIssue {
  if (error instanceof ExpressionFault) return error.issue;
  if (error instanceof ParseError) return describeParseError(error, text);
  if (error instanceof TypeFault) return describeTypeError(error, text, known);
  return { offset: 0, length: text.length, expected: 'a CEL expression', found: messageOf(error) };
}

type Located = { readonly range?: { readonly start: number; readonly end: number } };

function placeOf({ range }: Located, text: string): { offset: number; length: number } {
  const offset = Math.min(range?.start ?? 0, text.length);
  return { offset, length: Math.max(0, Math.min(range?.end ?? offset, text.length) - offset) };
}

const foundAt = ({ offset, length }: { offset: number; length: number }, text: string): string =>
  text.slice(offset, offset + Math.max(length, 1)) || 'the end';

function describeParseError(error: ParseError, text: string): ExpressionIssue {
  const { code, summary } = error;
  const place = placeOf(error, text);
  const found = foundAt(place, text);
  switch (code) {
    case 'expected_token': {
      const [, token = ''] = /^Expected (\w+)/.exec(summary) ?? [];
      return { ...place, expected: TOKENS[token] ?? token, found };
    }
    case 'unexpected_token':
      return { ...place, expected: 'a value, a name or (', found };
    case 'unexpected_character':
      return { ...place, expected: expectedAt(text.slice(0, place.offset), found), found };
    case 'unterminated_string':
    case 'unterminated_triple_quoted_string':
      return { ...place, expected: 'a quote that ends the string', found: 'the end' };
    case 'newline_in_string':
      return { ...place, expected: 'a quote that ends the string', found: 'the end of the line' };
    case 'invalid_macro_argument':
      return { ...place, expected: 'the name of a variable', found };
    case 'reserved_identifier':
      return { ...place, expected: 'a name that CEL does not reserve', found };
    case 'limit_exceeded': {
      const [, limit = 'maxAstNodes'] = /^Exceeded (\w+)/.exec(summary) ?? [];
      const key = limit as keyof typeof LIMITS;
      return { ...place, expected: `at most ${LIMITS[key]} ${LIMIT_NAMES[key]}`, found: 'more' };
    }
    default:
      return { ...place, expected: 'a CEL expression', found: lowerFirst(summary) };
  }
}

/** Operators of other languages, for hints. */
const OTHER_OPERATORS: ReadonlyMap<string, string> = new Map([
  ['=', '=='],
  ['&', '&&'],
  ['and', '&&'],
  ['|', '||'],
  ['or', '||'],
  ['IN', 'in'],
  ['eq', '=='],
  ['ne', '!='],
]);

function expectedAt(before: string, found: string): string {
  if (found === '=' && /[=!]=$/.test(before)) return `${before.slice(-2)} only`;
  if (/\bnot\s+$/i.test(before)) return '! instead of not';
  if (/(^|[-+*/%<>=!&|?:,.([{])\s*$/.test(before)) return 'a value, a name or (';
  return OTHER_OPERATORS.get(found) ?? 'an operator or the end';
}

function describeTypeError(error: TypeFault, text: string, { variables, fieldsOf }: KnownNames): ExpressionIssue {
  const { code, summary } = error;
  const node = error.node as unknown as Node | undefined;
  const place = placeOf(error, text);
  const [, got = ''] = /, got '(.*)'$/.exec(summary) ?? [];
  switch (code) {
    case 'unknown_variable': {
      const name = String(node?.args);
      const hint = didYouMean(name, variables);
      return { ...place, expected: `a variable: ${variables.join(', ')}${hint}`, found: name };
    }
    case 'no_such_key':
      return describeField(node, text, place, fieldsOf);
    case 'no_matching_overload': {
      const [, call = ''] = /'(.*)'$/.exec(summary) ?? [];
      return { ...place, expected: describeSignatures(call), found: originalName(call) };
    }
    case 'no_such_overload':
      return {
        ...place,
        expected: `types that ${operatorOf(node)} takes${isOptional(summary) ? ' (.orValue(...) makes a value of an optional one)' : ''}`,
        found: summary.replace(/^no such overload: /, ''),
      };
    case 'invalid_logical_operand':
      return { ...place, expected: `bool on both sides of ${node?.op}`, found: got };
    case 'invalid_condition_type':
      return { ...place, expected: 'a condition of type bool', found: got };
    case 'incompatible_ternary_branches':
      return { ...place, expected: 'one type after ? and :', found: got.replace("' and '", ' and ') };
    case 'invalid_comprehension_range':
      return { ...place, expected: 'a list or a map', found: /type '(.*?)'/.exec(summary)?.[1] ?? 'something else' };
    case 'invalid_macro_argument':
      if (/^has\(\)/.test(summary)) return { ...place, expected: 'has(something.field)', found: foundAt(place, text) };
      return { ...place, expected: 'the name of a variable', found: foundAt(place, text) };
    case 'cannot_index_type':
      return {
        ...place,
        expected: 'a value with fields',
        found: /type '(.*)'/.exec(summary)?.[1] ?? 'something else',
      };
    case 'invalid_index_type':
      return { ...place, expected: 'an index of type int', found: got };
    case 'optional_expected':
      return { ...place, expected: 'an optional value, such as event.?action', found: got };
    default:
      return { ...place, expected: 'types that go together', found: lowerFirst(summary) };
  }
}

function describeField(
  node: Node | undefined,
  text: string,
  place: { offset: number; length: number },
  fieldsOf: KnownNames['fieldsOf'],
): ExpressionIssue {
  const receiver = node && receiverNodeOf(node);
  const type = receiver?.checkedType;
  const fields = Object.keys(fieldsOf((type?.kind === 'optional' ? type.valueType?.name : type?.name) ?? '') ?? {});
  const name = node && typeof (node.args as unknown[])[1] === 'string' ? calledNameOf(node) : foundAt(place, text);
  const of = receiver ? text.slice(receiver.start, receiver.end) : 'it';
  return {
    offset: node?.pos ?? place.offset,
    length: node ? node.end - node.pos : place.length,
    expected: `a field of ${of}: ${fields.join(', ')}${didYouMean(name, fields)}`,
    found: name,
  };
}

/** `string.re2_matches(int)` → `string.matches(int)`. */
const originalName = (call: string): string =>
  [...REPLACED].reduce((named, [name, by]) => named.replace(`${by}(`, `${name}(`), call);

/** The functions that exist; read only when a call matches none of their signatures. */
let definitions: ReturnType<Environment['getDefinitions']> | undefined;

/** The signatures of a function: `string.substring(int) or string.substring(int, int)`. */
function describeSignatures(call: string): string {
  const name = /(?:^|\.)(\w+)\(/.exec(call)?.[1] ?? '';
  const isMethod = !call.startsWith(`${name}(`);
  definitions ??= createEnvironment().getDefinitions();
  const known = definitions.functions.filter((definition) => definition.name === name);
  const alike = known.filter(({ receiverType }) => (receiverType !== null) === isMethod);
  const signatures = (alike.length > 0 ? alike : known).map(({ receiverType, params }) => {
    const types = params.map(({ type }) => type).join(', ');
    return originalName(`${receiverType ? `${receiverType}.` : ''}${name}(${types})`).replaceAll(/<dyn(, dyn)?>/g, '');
  });
  return listed(signatures) || 'a function';
}

const isOptional = (summary: string): boolean => /optional<.*> [=!]= \w|\w [=!]= optional</.test(summary);

const operatorOf = (node: Node | undefined): string => node?.op.replace('_', '') ?? 'the operator';

const lowerFirst = (words: string): string => words.charAt(0).toLowerCase() + words.slice(1);
