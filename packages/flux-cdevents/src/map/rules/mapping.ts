import type { SpecVersion } from '../../flux/provider.ts';

/** A CEL expression. */
export type Expression = string;

/** Expressions in the shape of the value that they make. What evaluates to null is left out. */
export interface Template {
  readonly [field: string]: Expression | Template;
}

/** One CDEvent that a rule makes. What is left out comes from the defaults of its type. */
export interface Emit {
  /** An event name: `service.deployed`. */
  readonly type: string;
  readonly subject?: { readonly id?: Expression; readonly source?: Expression };
  /** Replaces the default content as a whole. */
  readonly content?: Template;
  /** Stands beside `flux` in the CDEvent's `customData`. */
  readonly customData?: Template;
}

export interface Rule {
  readonly name: string;
  /** True for the Flux events that the rule is for. */
  readonly match: Expression;
  /** None at all: such events are left alone on purpose. */
  readonly emit: readonly Emit[];
}

/** A mapping: rules in order, of which the first that matches wins. Presets and `mapping.yaml` are both this. */
export interface Mapping {
  readonly specVersion?: SpecVersion;
  readonly preset?: string;
  readonly rules: readonly Rule[];
}
