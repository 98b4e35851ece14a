import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  detectIncident,
  type IncidentDecision,
  type IncidentEvent,
  type IncidentMemory,
  resolveIncident,
} from './incident.ts';

type Move = Omit<IncidentEvent, 'id' | 'chainId'> & { readonly kind: 'fails' | 'recovers'; readonly id?: string };
interface Sent {
  readonly name: 'detected' | 'resolved';
  readonly id: string;
  readonly subjectId: string;
}

/** What is sent for each move; undefined for one that is withheld. */
function play(moves: readonly Move[], from: IncidentMemory = {}) {
  let memory = from;
  const sent = moves.map(({ kind, ...move }, index): Sent | undefined => {
    const happened = { id: `event-${index}`, chainId: 'chain', ...move };
    const decide = kind === 'fails' ? detectIncident : resolveIncident;
    const decision: IncidentDecision = decide(memory, happened);
    if (!decision.send) {
      memory = decision.after;
      return undefined;
    }
    const subjectId = decision.known?.subjectId ?? `incident-of-${happened.id}`;
    memory = decision.after(subjectId);
    return { name: kind === 'fails' ? 'detected' : 'resolved', id: happened.id, subjectId };
  });
  return { sent, memory };
}

const fails = (at: number, more: Partial<Move> = {}): Move => ({ kind: 'fails', at, ...more });
const recovers = (at: number, more: Partial<Move> = {}): Move => ({ kind: 'recovers', at, ...more });
const brief = (moves: readonly Move[]) =>
  play(moves).sent.map((sent) => (sent ? `${sent.name} ${sent.subjectId.replace('incident-of-event-', '#')}` : ''));

describe('an incident', () => {
  it.each<[string, readonly Move[], readonly string[]]>([
    ['opens once', [fails(1), fails(2)], ['detected #0', '']],
    ['is over once', [fails(1), recovers(2), recovers(3)], ['detected #0', 'resolved #0', '']],
    ['is not over before it began', [recovers(1), fails(2)], ['', 'detected #1']],
    ['comes back as another one', [fails(1), recovers(2), fails(3)], ['detected #0', 'resolved #0', 'detected #2']],
    ['is not opened by what is older than a recovery', [recovers(5), fails(4)], ['', '']],
    ['is opened by what is as old as a recovery', [recovers(5), fails(5)], ['', 'detected #1']],
    [
      'is not closed by what is older than its last failure',
      [fails(1), fails(5), recovers(4)],
      ['detected #0', '', ''],
    ],
    [
      'is sent again for another value, and once for each',
      [fails(1, { once: 'a' }), fails(2, { once: 'b' }), fails(3, { once: 'a' }), fails(4, { once: 'b' }), recovers(5)],
      ['detected #0', 'detected #0', '', '', 'resolved #0'],
    ],
    [
      'stays open while a cause is left',
      [fails(1, { cause: 'failure' }), fails(2, { cause: 'drift' }), recovers(3, { cause: 'drift' }), recovers(4)],
      ['detected #0', '', '', 'resolved #0'],
    ],
    [
      'is over with its only cause, and not with another',
      [fails(1, { cause: 'drift' }), recovers(2, { cause: 'other' }), recovers(3, { cause: 'drift' })],
      ['detected #0', '', 'resolved #0'],
    ],
    [
      'of one cause is opened after the recovery from another',
      [recovers(5, { cause: 'drift' }), fails(4, { cause: 'failure' }), fails(4, { cause: 'drift' })],
      ['', 'detected #1', ''],
    ],
    [
      'gives the same for the same events, open or closed',
      [
        fails(1, { id: 'x' }),
        fails(1, { id: 'x' }),
        recovers(2, { id: 'y' }),
        recovers(2, { id: 'y' }),
        fails(1, { id: 'x' }),
      ],
      [
        'detected incident-of-x',
        'detected incident-of-x',
        'resolved incident-of-x',
        'resolved incident-of-x',
        'detected incident-of-x',
      ],
    ],
  ])('%s', (_, moves, expected) => expect(brief(moves)).toEqual(expected));

  const TIMES = [1, 2, 3, 4, 5, 6];
  /** Six events at six moments, of which each may come at any place and more than once. */
  const moves = fc
    .record({
      kinds: fc.array(fc.constantFrom('fails' as const, 'recovers' as const), { minLength: 6, maxLength: 6 }),
      arrivals: fc.array(fc.constantFrom(...TIMES), { maxLength: 20 }),
    })
    .map(({ kinds, arrivals }) =>
      arrivals.map((at): Move => ({ kind: kinds[at - 1] ?? 'fails', at, id: `event-at-${at}` })),
    );

  it('is resolved only when it was detected, in whatever order events come and repeat', () => {
    fc.assert(
      fc.property(moves, (drawn) => {
        const { sent } = play(drawn);
        const detected = new Map<string, string>();
        const resolved = new Map<string, string>();
        for (const one of sent) {
          if (!one) continue;
          const sentBefore = one.name === 'detected' ? detected : resolved;
          // one CDEvent id for a subject: what repeats is the same CDEvent
          expect(sentBefore.get(one.subjectId) ?? one.id).toBe(one.id);
          sentBefore.set(one.subjectId, one.id);
          if (one.name === 'resolved') expect(detected.has(one.subjectId)).toBe(true);
        }
        expect(detected.size - resolved.size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is open at the end if and only if the last thing that happened is a failure', () => {
    const inOrder = fc.array(fc.constantFrom('fails' as const, 'recovers' as const), { maxLength: 20 });
    fc.assert(
      fc.property(inOrder, (kinds) => {
        const { memory } = play(kinds.map((kind, at) => ({ kind, at })));
        expect(memory.open !== undefined).toBe(kinds.at(-1) === 'fails');
      }),
    );
  });
});
