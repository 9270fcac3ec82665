import type { ShownAnswer } from '@potentia/db/agent/turn-queries';
import { analyse } from '../chat/rules/analyse.ts';
import { newId } from '../platform/uuid.ts';
import type { Citation } from './turn-events.ts';

interface Shown {
  text: string;
  first_token_at: Date | null;
  citations: Citation[];
}

/** What a person has seen of an answer, as it is stored. Without words `content` is empty. */
export function shownAnswer({ text, first_token_at, citations }: Shown): ShownAnswer {
  const content = storableText(text);
  return {
    message_id: newId(),
    content: content.trim() === '' ? '' : content,
    language: analyse(content).language,
    citations: citations.map(({ excerpt: _, ...cited }) => cited),
    first_token_at: first_token_at?.toISOString() ?? null,
  };
}

/** What Postgres takes: no NUL, and no half of a character where a text was cut. */
export const storableText = (text: string): string => text.replaceAll('\u0000', '').toWellFormed();
