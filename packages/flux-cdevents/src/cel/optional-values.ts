import { type Environment, Optional } from '@marcbachmann/cel-js';
import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import type { CelType, Checker, Context, Evaluator, Node } from './tree.ts';

/** The parts of optional values that the library lacks: `ofNonZeroValue`, `optMap`, `optFlatMap`, and equality. */
export function registerOptionals(environment: Environment): void {
  environment.registerFunction(
    'OptionalNamespace.ofNonZeroValue(A): optional<A>',
    ((_: unknown, value: unknown) => (isZero(value) ? Optional.none() : Optional.of(value))) as never,
    { async: false },
  );
  environment.registerOperator('optional<T> == optional<T>', sameOptional as never);
  environment.registerFunction(
    'optional.optMap(ast, ast): optional<dyn>',
    optionalMacro((value) => Optional.of(value)),
  );
  environment.registerFunction(
    'optional.optFlatMap(ast, ast): optional<dyn>',
    optionalMacro((value) => value, true),
  );
}

/** The operands of a macro, and the scope of its variable. */
interface MacroCall {
  readonly args: readonly [Node, Node];
  readonly receiver: Node;
}
interface MacroScope extends Context {
  reuse(outer: Context): MacroScope;
  setIterValue(value: unknown, evaluator: Evaluator): MacroScope;
}
interface OptionalMacro {
  readonly receiver: Node;
  readonly exp: Node;
  scope?: MacroScope;
}
type ScopedChecker = Checker & {
  readonly registry: { getOptionalType(type: CelType): CelType };
  createError(code: string, message: string, node: Node): Error;
};

/** `optional.optMap(name, expression)`: evaluates the expression with the value, if there is one. */
function optionalMacro(wrap: (value: unknown) => unknown, flat = false) {
  const expand = ({ args: [variable, exp], receiver }: MacroCall) => ({
    receiver,
    exp,
    typeCheck(
      checker: ScopedChecker,
      macro: OptionalMacro,
      context: { forkWithVariable(name: string, type: CelType): MacroScope },
    ) {
      const type = checker.check(receiver, context);
      if (variable.op !== 'id') throw checker.createError('invalid_macro_argument', 'not a variable', variable);
      if (type.kind !== 'optional') {
        throw checker.createError('optional_expected', `must be optional, got '${type.name}'`, receiver);
      }
      macro.scope = context.forkWithVariable(String(variable.args), type.valueType ?? checker.dynType);
      const made = checker.check(exp, macro.scope);
      return flat ? made : checker.registry.getOptionalType(made);
    },
    evaluate(evaluator: Evaluator, macro: OptionalMacro, context: Context) {
      const optional = evaluator.run(receiver, context) as Optional;
      if (!optional.hasValue() || !macro.scope) return Optional.none();
      return wrap(evaluator.run(exp, macro.scope.reuse(context).setIterValue(optional.value(), evaluator)));
    },
  });
  return expand as never;
}

function isZero(value: unknown): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true;
  if (value instanceof UnsignedInt) return String(value) === '0';
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  return (
    typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
  );
}

function sameOptional(a: Optional, b: Optional, node: Node, evaluator: Evaluator): boolean {
  if (!(a.hasValue() && b.hasValue())) return a.hasValue() === b.hasValue();
  const [left, right] = [a.value(), b.value()];
  const overload = evaluator.registry.findBinaryOverload('==', evaluator.debugType(left), evaluator.debugType(right));
  return overload !== false && overload.handler(left, right, node, evaluator) === true;
}
