/** An incident that a Provider was notified of. */
interface KnownIncident {
  /** `subject.id` of its CDEvents. */
  readonly subjectId: string;
  /** The chain of the rollout that broke the object. */
  readonly chainId: string;
  /** The last CDEvent of that chain. */
  readonly last: string;
  /** The ids of its `incident.detected`, by the value that each was sent for: see `IncidentEvent.once`. */
  readonly sent: Readonly<Record<string, string>>;
}

interface OpenIncident extends KnownIncident {
  /** Why it is open; when none is left it is resolved. */
  readonly causes: readonly string[];
  /** When the object last failed, in epoch ms. */
  readonly failedAt: number;
}

interface ClosedIncident extends KnownIncident {
  /** The id of its `incident.resolved`. */
  readonly closedBy: string;
}

/** What is remembered about the incidents of an object, which has at most one open incident. */
export interface IncidentMemory {
  readonly open?: OpenIncident;
  /** The last one that was closed, so that the events that opened and closed it give the same CDEvents again. */
  readonly closed?: ClosedIncident;
  /** When the object last recovered, by cause, in epoch ms: an older failure that arrives later opens nothing. */
  readonly recovered?: Readonly<Record<string, number>>;
}

/** A CDEvent of an incident that is about to be sent. */
export interface IncidentEvent {
  /** `context.id`. */
  readonly id: string;
  /** The timestamp of the Flux event, in epoch ms. */
  readonly at: number;
  readonly chainId: string;
  readonly cause?: string;
  /** `incident.detected` is sent once for each value of this while the incident is open. Absent: once in all. */
  readonly once?: string;
}

/** Whether a CDEvent of an incident is sent, and what to remember after it. */
export type IncidentDecision =
  | {
      readonly send: true;
      /** The incident that it belongs to; absent when it opens one. */
      readonly known?: KnownIncident;
      after(subjectId: string): IncidentMemory;
    }
  | { readonly send: false; readonly why: string; readonly after: IncidentMemory };

/** Stands for all causes. */
const ANY = '*';
/** How many values of `once` are remembered for an incident: the newest ones. */
const MAX_SENT = 100;

/** Decides on an `incident.detected`, which opens the incident of the object or belongs to the open one. */
export function detectIncident(
  memory: IncidentMemory,
  { id, at, chainId, cause = ANY, once }: IncidentEvent,
): IncidentDecision {
  const key = once ?? '';
  const same = [memory.open, memory.closed].find((incident) => incident?.sent[key] === id);
  if (same) return { send: true, known: same, after: () => memory };

  const recoveredAt = Math.max(memory.recovered?.[ANY] ?? 0, memory.recovered?.[cause] ?? 0);
  if (at < recoveredAt) return { send: false, why: 'the object has recovered since', after: memory };

  const { open } = memory;
  if (!open) {
    const opened = { chainId, last: id, sent: { [key]: id }, causes: [cause], failedAt: at };
    return { send: true, after: (subjectId) => ({ ...memory, open: { subjectId, ...opened } }) };
  }
  const causes = open.causes.includes(cause) ? open.causes : [...open.causes, cause];
  const still = { ...open, causes, failedAt: Math.max(open.failedAt, at) };
  if (once === undefined || Object.hasOwn(open.sent, once)) {
    return { send: false, why: `incident ${open.subjectId} is already open`, after: { ...memory, open: still } };
  }
  const sent = Object.fromEntries([...Object.entries(open.sent), [once, id]].slice(-MAX_SENT));
  return { send: true, known: open, after: () => ({ ...memory, open: { ...still, sent } }) };
}

/** Decides on an `incident.resolved`, which closes the open incident when no cause is left. */
export function resolveIncident(memory: IncidentMemory, { id, at, cause }: IncidentEvent): IncidentDecision {
  const { open, closed } = memory;
  if (closed?.closedBy === id) return { send: true, known: closed, after: () => memory };

  const key = cause ?? ANY;
  const recovered = { ...memory.recovered, [key]: Math.max(memory.recovered?.[key] ?? 0, at) };
  if (!open) return { send: false, why: 'no incident is open', after: { ...memory, recovered } };
  if (at < open.failedAt) return { send: false, why: 'the object has failed since', after: memory };

  const causes = cause === undefined ? [] : open.causes.filter((other) => other !== cause);
  if (causes.length > 0) {
    const why = `incident ${open.subjectId} is still open: ${causes.join(', ')}`;
    return { send: false, why, after: { ...memory, recovered, open: { ...open, causes } } };
  }
  const { causes: _, failedAt: __, ...known } = open;
  return { send: true, known: open, after: () => ({ closed: { ...known, closedBy: id }, recovered }) };
}

/** Notes that a CDEvent was sent in a chain: when an incident of that chain is resolved, it links to this CDEvent. */
export function afterSending(memory: IncidentMemory, chainId: string, id: string): IncidentMemory {
  const { open } = memory;
  return open?.chainId === chainId && open.last !== id ? { ...memory, open: { ...open, last: id } } : memory;
}
