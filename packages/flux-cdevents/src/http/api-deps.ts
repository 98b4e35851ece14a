import type { ConfigSnapshot } from '../config/config-source.ts';
import type { FluxEvent } from '../flux/event.ts';
import type { NamespacedName } from '../flux/object-ref.ts';
import type { Logger } from '../observe/log.ts';
import type { DeadLetters } from '../outbox/dead-letters.ts';
import type { Inspection } from '../outbox/inspection.ts';
import type { WorkQueue } from '../outbox/work-queue.ts';

/** The dependencies of the API. */
export interface ApiServerDeps {
  readonly outbox: Inspection & Pick<DeadLetters, 'replay' | 'discard'> & Pick<WorkQueue, 'stops'>;
  readonly snapshot: () => ConfigSnapshot | undefined;
  /** Maps the given event, or a generated one, for one Provider and commits the result. */
  readonly send: (
    provider: NamespacedName,
    request: { readonly reason?: string; readonly event?: FluxEvent },
  ) => Promise<{
    readonly entries: readonly { readonly id: string; readonly type: string }[];
    /** Why there are no entries. */
    readonly skipped?: string;
  }>;
  /**
   * When given, every request must carry it: see `createGuard`. A function returns the current token of a rotated file.
   */
  readonly token?: () => string;
  /** @default silent */
  readonly logger?: Logger;
  /** Epoch ms. */
  readonly now: () => number;
}
