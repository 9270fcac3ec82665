import type { Ctx } from '../platform/ctx.ts';

/** Where whoever committed something to be indexed says so. */
export const EMBEDDING_HINT_CHANNEL = 'embedding:hint';

/** Wakes the indexing of messages, memories and blocks, which looks once a second anyway. To be called after the commit. */
export function publishEmbeddingHint({ bus }: Pick<Ctx, 'bus'>): void {
  bus.publish(EMBEDDING_HINT_CHANNEL, { kind: 'hint', frame: '' });
}
