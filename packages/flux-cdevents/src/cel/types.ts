/**
 * The types of the variables: their fields, and the CEL type of each. What is absent at run time (`uid`, `action`) is
 * reached by `has(event.action)` or `event.?action`.
 */
export const TYPES = {
  InvolvedObject: {
    kind: 'string',
    namespace: 'string',
    name: 'string',
    uid: 'string',
    apiVersion: 'string',
    resourceVersion: 'string',
  },
  Event: {
    involvedObject: 'InvolvedObject',
    severity: 'string',
    timestamp: 'string',
    message: 'string',
    reason: 'string',
    metadata: 'map<string, string>',
    reportingController: 'string',
    reportingInstance: 'string',
    action: 'string',
    relatedObject: 'map<string, string>',
  },
  ObjectMetadata: { namespace: 'string', name: 'string' },
  FluxObject: { metadata: 'ObjectMetadata' },
  Identity: { id: 'string', source: 'string' },
  Release: { namespace: 'string', name: 'string', version: 'int', chart: 'string', chartVersion: 'string' },
  TaskRun: { id: 'string', name: 'string' },
  Incident: { id: 'string', open: 'bool' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The variables that every expression of a mapping sees, and their types. docs/expressions.md describes them. */
export const VARIABLES = {
  event: 'Event',
  alert: 'FluxObject',
  provider: 'FluxObject',
  cluster: 'string',
  environment: 'Identity',
  service: 'Identity',
  artifactId: 'string',
  release: 'Release',
  taskRun: 'TaskRun',
  incident: 'Incident',
  outcome: 'string',
  chainId: 'string',
} as const;

type Source = Readonly<Record<string, unknown>>;

/** A value of one of the types. cel-js tells types apart by their constructors. */
export abstract class TypedValue {
  readonly [field: string]: unknown;
}

/** The fields of a type; undefined for the types that CEL itself has. */
export const fieldsOf = (type: string): Readonly<Record<string, string>> | undefined =>
  Object.hasOwn(TYPES, type) ? TYPES[type as keyof typeof TYPES] : undefined;

/** Makes a value of a type from a plain object. */
export type TypedClass = new (source: Source) => TypedValue;

const classes = new Map<string, TypedClass>();
for (const [name, fields] of Object.entries<Readonly<Record<string, string>>>(TYPES)) {
  classes.set(name, classFor(Object.entries(fields)));
}

export const typedClasses: ReadonlyMap<string, TypedClass> = classes;

function classFor(fields: readonly (readonly [name: string, type: string])[]): TypedClass {
  return class extends TypedValue {
    constructor(source: Source) {
      super();
      const own = this as Record<string, unknown>;
      for (const [name, type] of fields) {
        const value = source[name];
        if (value !== undefined) own[name] = toTyped(type, value);
      }
    }
  };
}

/** The value of a field or variable as CEL has it: integers are bigints, objects know their type. */
function toTyped(type: string, value: unknown): unknown {
  if (type === 'int') return typeof value === 'number' ? BigInt(value) : value;
  const Class = classes.get(type);
  return Class && !(value instanceof TypedValue) ? new Class(value as Source) : value;
}

/** Does `toTyped`, and remembers the last value: the expressions of one event ask for the same one over and over. */
export function typedReader(type: string): (value: unknown) => unknown {
  let last: unknown;
  let typed: unknown;
  return (value) => {
    if (value !== last) {
      typed = toTyped(type, value);
      last = value;
    }
    return typed;
  };
}
