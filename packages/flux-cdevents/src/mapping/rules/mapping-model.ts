import type { PresetName, SpecVersion } from '../../provider/provider.ts';

/** A CEL expression. */
export type Expression = string;

/** Expressions in the shape of the value that they make. What evaluates to null is left out. */
export interface Template {
  readonly [field: string]: Expression | Template;
}

/**
 * Ties an `incident.detected` or `incident.resolved` to what is remembered of the object: it has at most one open
 * incident, and that has a cause or several.
 */
export interface IncidentStep {
  /**
   * `incident.detected` opens the incident of the object for this cause, or adds it to those of the open one, and is
   * sent only when it opens it. `incident.resolved` takes this cause away, all of them when it names none, and is sent
   * only when that closes an open incident.
   */
  readonly cause?: string;
  /** While the incident is open, `incident.detected` is sent again when this has another value than the last time. */
  readonly oncePer?: Expression;
}

/** One CDEvent that a rule makes. What is left out comes from the defaults of its type. */
export interface Emit {
  /** An event name (`service.deployed`), or the full type of a custom event (`dev.cdeventsx.acme-canary.started.0.1.0`). */
  readonly type: string;
  readonly subject?: { readonly id?: Expression; readonly source?: Expression };
  /** Replaces the default content as a whole. */
  readonly content?: Template;
  /** Stands beside `flux` in the CDEvent's `customData`. */
  readonly customData?: Template;
  /** Absent: the CDEvent is sent whenever the rule matches, and nothing is remembered of it. */
  readonly incident?: IncidentStep;
}

export interface Rule {
  readonly name: string;
  /** Names what the rule is part of that is off unless the mapping enables it: `drift`. */
  readonly optional?: string;
  /** True for the Flux events that the rule is for. */
  readonly match: Expression;
  /** None at all: such events are left alone on purpose. */
  readonly emit: readonly Emit[];
}

/** A mapping: rules in order, of which the first that matches wins. Presets and `mapping.yaml` are both this. */
export interface Mapping {
  readonly specVersion?: SpecVersion;
  /** The preset whose rules follow after these. */
  readonly preset?: PresetName;
  /** Which optional rules are in force, of these and of the preset. */
  readonly enable?: readonly string[];
  readonly rules: readonly Rule[];
}
