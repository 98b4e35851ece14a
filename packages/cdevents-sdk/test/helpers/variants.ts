type Json = unknown;
type Key = string | number;

const substitutes: readonly Json[] = [
  '',
  ' ',
  'x',
  'two words',
  'https://example.com/a?b=c#d',
  'https://exa mple.com',
  '/relative/path',
  '%zz',
  'success',
  'failure',
  'pass',
  'fail',
  'END',
  'ticket',
  '2024-02-30T00:00:00Z',
  '2024-02-29T23:59:60Z',
  'dev.cdeventsx.tool-subject.done.0.1.0',
  'dev.cdeventsx.tool.done.0.1.0',
  0,
  true,
  null,
  [],
  [1],
  ['a'],
  {},
  { contextId: '' },
  { contextId: 'a', more: 1 },
];

function pathsOf(value: Json, path: readonly Key[] = []): (readonly Key[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys: Key[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsOf((value as Record<Key, Json>)[key], [...path, key]))];
}

function edited(event: Json, path: readonly Key[], edit: (parent: Record<Key, Json>, key: Key) => void): Json {
  const copy = structuredClone(event);
  let parent = copy as Record<Key, Json>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<Key, Json>;
  edit(parent, path.at(-1) as Key);
  return copy;
}

/** The event with one thing about it changed: a field gone, one too many, a value of another type, format or set. */
export function* variantsOf(event: object): Generator<Json> {
  yield* [null, [], 'text', 7, {}];
  for (const path of pathsOf(event)) {
    const value = path.reduce<Json>((parent, key) => (parent as Record<Key, Json>)[key], event);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      yield edited(event, [...path, 'unknownField'], (parent, key) => {
        parent[key] = 'extra';
      });
    }
    if (path.length === 0) continue;
    yield edited(event, path, (parent, key) => {
      if (Array.isArray(parent)) parent.splice(key as number, 1);
      else delete parent[key];
    });
    for (const substitute of substitutes) {
      yield edited(event, path, (parent, key) => {
        parent[key] = structuredClone(substitute);
      });
    }
  }
}
