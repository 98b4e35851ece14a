import type { ConfigSnapshot } from '../config/config-source.ts';
import type { FluxEvent } from '../flux/event.ts';
import type { NamespacedName } from '../flux/object-ref.ts';
import type { Logger } from '../observe/log.ts';
import type { DeadLetters } from '../outbox/dead-letters.ts';
import type { Inspection } from '../outbox/inspection.ts';
import type { WorkQueue } from '../outbox/work-queue.ts';

/** What the API works with. */
export interface ApiServerDeps {
  readonly outbox: Inspection & Pick<DeadLetters, 'replay' | 'discard'> & Pick<WorkQueue, 'stops'>;
  readonly snapshot: () => ConfigSnapshot | undefined;
  /** Maps an event, or one that it makes up, for one Provider and commits it. */
  readonly send: (
    provider: NamespacedName,
    request: { readonly reason?: string; readonly event?: FluxEvent },
  ) => Promise<{
    readonly entries: readonly { readonly id: string; readonly type: string }[];
    /** Why there is none. */
    readonly skipped?: string;
  }>;
  /** When given, every request has to show it; `createGuard` has the rules with and without. A function may rotate it. */
  readonly token?: string | (() => string);
  /** @default silent */
  readonly logger?: Logger;
  /** Epoch ms. */
  readonly now: () => number;
}
