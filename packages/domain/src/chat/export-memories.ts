import { listMemories, type MemoryPosition } from '@potentia/db/chat/memory-queries';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { Memory } from './memory-schemas.ts';

const PAGE = 500;

/** All that is remembered of the caller, with what was superseded, the newest first, page by page. */
export async function* exportMemories(ctx: UserCtx): AsyncGenerator<Memory[], void, void> {
  let after: MemoryPosition | null = null;
  do {
    const position: MemoryPosition | null = after;
    const rows: Awaited<ReturnType<typeof listMemories>> = await fromDb(() =>
      listMemories(ctx.db, {
        ...{ user_id: ctx.actor.user_id, filter: { include_superseded: true } },
        ...{ after: position, limit: PAGE },
      }),
    );
    if (rows.length > 0) yield rows.map(({ memory }) => memory);
    const last = rows.at(-1);
    after = rows.length < PAGE || !last ? null : { created_at: last.created_at, id: last.id };
  } while (after !== null);
}
