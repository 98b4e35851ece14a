/** The fields of each object type, with the CEL type of each field: `{ Release: { version: 'int' } }`. */
export type ObjectTypeFields = Readonly<Record<string, Readonly<Record<string, string>>>>;

type Source = Readonly<Record<string, unknown>>;

/** A value of an object type. cel-js distinguishes types by their constructors. */
export abstract class TypedValue {
  readonly [field: string]: unknown;
}

/** Whether a value is one of an object type, or a plain object. */
export function isRecord(value: object): boolean {
  if (value instanceof TypedValue) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Makes a value of an object type from a plain object. */
type TypedClass = new (source: Source) => TypedValue;

/** The object types of an environment, in addition to CEL's own. */
export interface ObjectTypes {
  readonly classes: ReadonlyMap<string, TypedClass>;
  /** The fields of an object type; undefined for any other type. */
  fieldsOf(type: string): Readonly<Record<string, string>> | undefined;
  /**
   * Converts plain values to values of a type. It keeps the last conversion, since the expressions of one event ask for the
   * same value repeatedly.
   */
  readerOf(type: string): (value: unknown) => unknown;
}

export function createObjectTypes(types: ObjectTypeFields): ObjectTypes {
  const classes = new Map<string, TypedClass>();
  for (const [name, fields] of Object.entries(types)) classes.set(name, classFor(Object.entries(fields), classes));
  return {
    classes,
    fieldsOf: (type) => (Object.hasOwn(types, type) ? types[type] : undefined),
    readerOf(type) {
      let last: unknown;
      let typed: unknown;
      return (value) => {
        if (value !== last) {
          typed = toTyped(type, value, classes);
          last = value;
        }
        return typed;
      };
    },
  };
}

function classFor(
  fields: readonly (readonly [name: string, type: string])[],
  classes: ReadonlyMap<string, TypedClass>,
): TypedClass {
  return class extends TypedValue {
    constructor(source: Source) {
      super();
      const own = this as Record<string, unknown>;
      for (const [name, type] of fields) {
        const value = source[name];
        if (value !== undefined) own[name] = toTyped(type, value, classes);
      }
    }
  };
}

/** Converts the value of a field or variable for CEL: integers become bigints, objects become values of their type. */
function toTyped(type: string, value: unknown, classes: ReadonlyMap<string, TypedClass>): unknown {
  if (type === 'int') return typeof value === 'number' ? BigInt(value) : value;
  if (type.startsWith('map<')) return toSafeMap(value as Source);
  const Class = classes.get(type);
  return Class && !(value instanceof TypedValue) ? new Class(value as Source) : value;
}

/** cel-js tells the type of an object by its `constructor`, which must not be a key of the map. */
const toSafeMap = (map: Source): unknown => (Object.hasOwn(map, 'constructor') ? new Map(Object.entries(map)) : map);
