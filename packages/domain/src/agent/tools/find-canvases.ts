import { listCanvases } from '../../canvas/list-canvases.ts';
import type { Canvas } from '../../canvas/schemas.ts';
import { search } from '../../search/search.ts';
import type { SearchHit } from '../../search/schemas.ts';
import { AppError } from '../../platform/errors.ts';
import { isHintedAt } from '../rules/own-words.ts';
import { quote, say } from '../rules/tool-summary.ts';
import type { CallCtx, Planner } from './tool.ts';

/** Canvases whose titles are looked through when no words are found. */
const MAX_TITLES = 200;

/** Canvases by their words; those whose title the words name when nothing holds all of them; without words the last changed. */
export const findCanvases: Planner<'find_canvases'> = (ctx, { query, limit }) => {
  const { locale } = ctx.call;
  const what = query === undefined ? '' : ` ${quote(query)}`;
  return {
    summary: say(locale, `Look for${what} in canvases`, `Mencari${what} di kanvas`),
    write: null,
    run: async () => {
      if (query === undefined) {
        const { items } = await listCanvases(ctx, { limit });
        return { result: { canvases: items.map(present) } };
      }
      const hits = await hitsOf(ctx, query);
      if (hits.length > 0) return { result: { canvases: groupHits(hits).slice(0, limit) } };
      const { items } = await listCanvases(ctx, { limit: MAX_TITLES });
      const named = items.filter(({ title }) => isHintedAt(title, query));
      return { result: { canvases: named.slice(0, limit).map(present) } };
    },
  };
};

const present = ({ id, title, role, archived_at }: Canvas): object => ({
  canvas_id: id,
  title,
  can_write: archived_at === null && !['viewer', 'commenter'].includes(role),
});

async function hitsOf(ctx: CallCtx, query: string): Promise<SearchHit[]> {
  try {
    return (await search(ctx, { q: query, limit: 50 })).items;
  } catch (error) {
    // A query of stop words alone finds nothing; that is no fault of whoever asks.
    if (error instanceof AppError && error.kind === 'invalid') return [];
    throw error;
  }
}

/** Each canvas once, with the first blocks in which the words were found. */
function groupHits(hits: readonly SearchHit[]): object[] {
  const found = new Map<string, { canvas_id: string; title: string; blocks: object[] }>();
  for (const { canvas_id, canvas_title, block_id, block_type, fragment } of hits) {
    const one = found.get(canvas_id) ?? { canvas_id, title: canvas_title, blocks: [] };
    found.set(canvas_id, one);
    if (block_id !== null && one.blocks.length < 5)
      one.blocks.push({ block_id, type: block_type, text: plain(fragment) });
  }
  return [...found.values()];
}

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
const plain = (html: string): string =>
  html.replaceAll(/<\/?mark>/gu, '').replaceAll(/&(?:amp|lt|gt|quot|#39);/gu, (entity) => ENTITIES[entity] ?? entity);
