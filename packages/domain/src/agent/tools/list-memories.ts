import { listMemories as listMemoriesVerb } from '../../chat/list-memories.ts';
import { findByWords } from '../../chat/rules/find-by-words.ts';
import { quote, say } from '../rules/tool-summary.ts';
import type { Planner } from './tool.ts';

/** Memories that are looked through for words. */
const MAX_READ = 200;

/** What is remembered of the person, the newest first. */
export const listMemories: Planner<'list_memories'> = (ctx, { query, limit }) => {
  const what = query === undefined ? '' : ` ${quote(query)}`;
  return {
    summary: say(ctx.call.locale, `Look for${what} in what is remembered`, `Mencari${what} di ingatan`),
    write: null,
    run: async () => {
      const { items, next_cursor } = await listMemoriesVerb(ctx, { limit: query === undefined ? limit : MAX_READ });
      const found = query === undefined ? items : findByWords(query, items);
      return {
        result: {
          memories: found.slice(0, limit).map(({ id, kind, subject, attribute, content, created_at }) => ({
            ...{ memory_id: id, kind, subject, attribute, content, created_at },
          })),
          has_more: next_cursor !== null || found.length > limit,
        },
      };
    },
  };
};
