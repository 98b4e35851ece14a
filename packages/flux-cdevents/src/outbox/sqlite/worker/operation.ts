import type { AnswerOf, ArgumentOf, CallName } from '../protocol.ts';
import type { Store } from './store.ts';

/** How the worker answers a call. */
export interface Operation<N extends CallName> {
  /** A read does not change the file. The writes of a batch run in one transaction. */
  readonly mode: 'read' | 'write';
  /** @param at the instant of the batch, epoch ms */
  run(store: Store, argument: ArgumentOf<N>, at: number): AnswerOf<N>;
}

export type Operations<N extends CallName = CallName> = { readonly [K in N]: Operation<K> };
