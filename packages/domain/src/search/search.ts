import { search as selectHits } from '@potentia/db/search/queries';
import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import { id } from '../platform/schemas.ts';
import { countWords, MAX_WORDS, markFragment, readSearchQuery } from './rules/search-query.ts';
import { takeTurn } from './search-turns.ts';
import { searchQuery, type SearchPage } from './schemas.ts';

const position = z.tuple([z.number(), z.iso.datetime({ offset: true }), id]);

/**
 * Finds blocks and titles by their words, in everything that the caller may see, best first; never what is in the trash,
 * archived canvases on request. Filters that name what the caller may not see find nothing. Throws `request.invalid` for
 * a query without a word to look for, or with more than 32, and `search.busy`.
 */
export async function search(ctx: UserCtx, input: z.input<typeof searchQuery>): Promise<SearchPage> {
  const {
    q,
    cursor,
    limit,
    workspace_id = null,
    canvas_id = null,
    types = null,
    include_archived,
  } = parseInput(searchQuery, input);
  const terms = readSearchQuery(q);
  if (!terms) throw invalidField('/q', 'Has no word to look for');
  if (countWords(terms) > MAX_WORDS) throw invalidField('/q', `Has more than ${MAX_WORDS} words`);
  const after = cursor === undefined ? null : decodeCursor(position, cursor);
  const rows = await takeTurn(ctx.db, () =>
    fromDb(() =>
      selectHits(ctx.db, {
        user_id: ctx.actor.user_id,
        terms,
        workspace_id,
        canvas_id,
        types,
        include_archived,
        after: after && { score: after[0], updated_at: after[1], id: after[2] },
        limit: limit + 1,
      }),
    ),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items: items.map((row) => ({
      ...row,
      kind: row.block_id === null ? ('canvas' as const) : ('block' as const),
      fragment: markFragment(row.fragment),
    })),
    next_cursor: last ? encodeCursor([last.score, last.updated_at, last.block_id ?? last.canvas_id]) : null,
  };
}
