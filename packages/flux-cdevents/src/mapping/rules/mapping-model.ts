import type { PresetName, SpecVersion } from '../../provider/provider.ts';

/** A CEL expression. */
export type Expression = string;

/** Expressions in the shape of the value that they produce. A field that evaluates to null is left out. */
export interface Template {
  readonly [field: string]: Expression | Template;
}

/**
 * Ties an `incident.detected` or `incident.resolved` to the memory of the object: the object has at most one open incident,
 * with one or more causes.
 */
export interface IncidentStep {
  /**
   * `incident.detected` opens the incident of the object for this cause, or adds the cause to the open one; it is sent only
   * when it opens the incident. `incident.resolved` removes this cause, or all of them when it names none; it is sent only
   * when that closes the incident.
   */
  readonly cause?: string;
  /** While the incident is open, `incident.detected` is sent again whenever this value changes. */
  readonly oncePer?: Expression;
}

/** One CDEvent that a rule emits. Missing fields come from the defaults of its type. */
export interface Emit {
  /** An event name (`service.deployed`), or the full type of a custom event (`dev.cdeventsx.acme-canary.started.0.1.0`). */
  readonly type: string;
  readonly subject?: { readonly id?: Expression; readonly source?: Expression };
  /** Replaces the default content as a whole. */
  readonly content?: Template;
  /** Added to `flux` in the CDEvent's `customData`. */
  readonly customData?: Template;
  /** Absent: the CDEvent is sent whenever the rule matches, and nothing is remembered of it. */
  readonly incident?: IncidentStep;
}

export interface Rule {
  readonly name: string;
  /** The name that a mapping must enable for the rule to apply: `drift`. */
  readonly optional?: string;
  /** True for the Flux events that the rule handles. */
  readonly match: Expression;
  /** Empty: such events are ignored on purpose. */
  readonly emit: readonly Emit[];
}

/** A mapping: an ordered list of rules, of which the first that matches wins. A preset is one, and so is `mapping.yaml`. */
export interface Mapping {
  readonly specVersion?: SpecVersion;
  /** The preset whose rules follow these. */
  readonly preset?: PresetName;
  /** The optional rules in force, of these and of the preset. */
  readonly enable?: readonly string[];
  readonly rules: readonly Rule[];
}
