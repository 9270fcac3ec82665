import type { PromptItem } from '../../agent/prompt.ts';

/** A message that was found, as `HistoryRow` of the database. */
export interface FoundMessage extends Pick<
  Neighbour,
  'message_id' | 'role' | 'author_name' | 'content' | 'source' | 'created_at'
> {
  context_id: string;
  score: number;
  leg: 'lexical' | 'vector' | 'both';
  neighbours: Neighbour[] | null;
}

export interface Neighbour {
  message_id: string;
  role: 'user' | 'assistant';
  author_name: string | null;
  content: string;
  source: 'chat' | 'import' | 'whatsapp';
  created_at: string;
  is_before: boolean;
}

export interface FoundBlock {
  canvas_id: string;
  canvas_title: string;
  block_id: string;
  content: string;
  updated_at: string;
  score: number;
  leg: 'lexical' | 'vector' | 'both';
}

/** The best so many bring what was said just before and after. */
export const WITH_NEIGHBOURS = 3;
/** Of the score of the message that a neighbour comes with. */
const NEIGHBOUR_SHARE = 0.5;

/**
 * Messages as items, the best first; after all of them, what stands beside the very best, unless it was found itself or is `asked`, the
 * message that it is all for.
 */
export function historyItems(found: readonly FoundMessage[], asked: string): PromptItem[] {
  const ids = new Set([asked, ...found.map(({ message_id }) => message_id)]);
  const items = found.map((message) => messageItem(message, message));
  for (const message of found)
    for (const neighbour of message.neighbours ?? [])
      if (!ids.has(neighbour.message_id)) {
        ids.add(neighbour.message_id);
        items.push(messageItem(neighbour, { ...message, score: message.score * NEIGHBOUR_SHARE }));
      }
  return items;
}

type Said = Pick<Neighbour, 'message_id' | 'role' | 'author_name' | 'content' | 'source' | 'created_at'>;

function messageItem(
  { message_id, role, author_name, content, source, created_at }: Said,
  { context_id, score, leg }: Pick<FoundMessage, 'context_id' | 'score' | 'leg'>,
): PromptItem {
  return {
    kind: 'message',
    id: message_id,
    text: author_name === null ? content : `${author_name}: ${content}`,
    // What was imported may be anybody's words, whatever side it says it is.
    origin: source === 'import' ? 'other' : role,
    at: created_at,
    place_id: context_id,
    leg,
    score,
  };
}

export function blockItem({
  canvas_id,
  canvas_title,
  block_id,
  content,
  updated_at,
  score,
  leg,
}: FoundBlock): PromptItem {
  return {
    kind: 'block',
    id: block_id,
    text: `${canvas_title}: ${content}`,
    origin: 'other',
    at: updated_at,
    place_id: canvas_id,
    leg,
    score,
  };
}
