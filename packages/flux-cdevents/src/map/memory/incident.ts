/** An incident that a Provider was told of. */
interface KnownIncident {
  /** `subject.id` of its CDEvents. */
  readonly subjectId: string;
  /** Of the rollout that broke the object. */
  readonly chainId: string;
  /** The last CDEvent of that chain. */
  readonly last: string;
  /** The ids of its `incident.detected`, by what it was sent once for. */
  readonly sent: Readonly<Record<string, string>>;
}

interface OpenIncident extends KnownIncident {
  /** Why it is open; it is over when none is left. */
  readonly causes: readonly string[];
  /** Epoch ms of the last failure that is known. */
  readonly failedAt: number;
}

interface ClosedIncident extends KnownIncident {
  /** The id of its `incident.resolved`. */
  readonly closedBy: string;
}

/** What is remembered of the incidents of an object: it has one open incident at most. */
export interface IncidentMemory {
  readonly open?: OpenIncident;
  /** The last one that was closed, so that the events that opened and closed it give the same CDEvents once more. */
  readonly closed?: ClosedIncident;
  /** Epoch ms of the last recovery, by cause: a failure that comes late but is older opens nothing. */
  readonly recovered?: Readonly<Record<string, number>>;
}

/** One step in the life of an incident: a CDEvent that would be sent. */
export interface Step {
  /** `context.id`. */
  readonly id: string;
  /** Epoch ms of the Flux event. */
  readonly at: number;
  readonly chainId: string;
  readonly cause?: string;
  /** Of a detection: sent again for each other value. Absent: once while the incident is open. */
  readonly once?: string;
}

/** What becomes of a step, and what to remember after it. */
export type Verdict =
  | {
      readonly send: true;
      /** The incident it belongs to; absent when it opens one. */
      readonly known?: KnownIncident;
      after(subjectId: string): IncidentMemory;
    }
  | { readonly send: false; readonly why: string; readonly after: IncidentMemory };

/** Stands for all causes. */
const ANY = '*';
/** So many values that an incident was sent once for are remembered, the newest ones. */
const MAX_SENT = 100;

/** An `incident.detected`: opens the incident of the object, or belongs to the open one. */
export function detect(memory: IncidentMemory, { id, at, chainId, cause = ANY, once }: Step): Verdict {
  const key = once ?? '';
  const same = [memory.open, memory.closed].find((incident) => incident?.sent[key] === id);
  if (same) return { send: true, known: same, after: () => memory };

  const recoveredAt = Math.max(memory.recovered?.[ANY] ?? 0, memory.recovered?.[cause] ?? 0);
  if (at < recoveredAt) return { send: false, why: 'the object recovered since', after: memory };

  const { open } = memory;
  if (!open) {
    const opened = { chainId, last: id, sent: { [key]: id }, causes: [cause], failedAt: at };
    return { send: true, after: (subjectId) => ({ ...memory, open: { subjectId, ...opened } }) };
  }
  const causes = open.causes.includes(cause) ? open.causes : [...open.causes, cause];
  const still = { ...open, causes, failedAt: Math.max(open.failedAt, at) };
  if (once === undefined || Object.hasOwn(open.sent, once)) {
    return { send: false, why: `incident ${open.subjectId} is open already`, after: { ...memory, open: still } };
  }
  const sent = Object.fromEntries([...Object.entries(open.sent), [once, id]].slice(-MAX_SENT));
  return { send: true, known: open, after: () => ({ ...memory, open: { ...still, sent } }) };
}

/** An `incident.resolved`: closes the open incident when no cause is left, and does nothing when none is open. */
export function resolve(memory: IncidentMemory, { id, at, cause }: Step): Verdict {
  const { open, closed } = memory;
  if (closed?.closedBy === id) return { send: true, known: closed, after: () => memory };

  const key = cause ?? ANY;
  const recovered = { ...memory.recovered, [key]: Math.max(memory.recovered?.[key] ?? 0, at) };
  if (!open) return { send: false, why: 'no incident is open', after: { ...memory, recovered } };
  if (at < open.failedAt) return { send: false, why: 'the object failed since', after: memory };

  const causes = cause === undefined ? [] : open.causes.filter((other) => other !== cause);
  if (causes.length > 0) {
    const why = `incident ${open.subjectId} is still open: ${causes.join(', ')}`;
    return { send: false, why, after: { ...memory, recovered, open: { ...open, causes } } };
  }
  const { causes: _, failedAt: __, ...known } = open;
  return { send: true, known: open, after: () => ({ closed: { ...known, closedBy: id }, recovered }) };
}

/** Takes note of a CDEvent that was sent in a chain: an incident of that chain is linked to it when it is over. */
export function afterSending(memory: IncidentMemory, chainId: string, id: string): IncidentMemory {
  const { open } = memory;
  return open?.chainId === chainId && open.last !== id ? { ...memory, open: { ...open, last: id } } : memory;
}
