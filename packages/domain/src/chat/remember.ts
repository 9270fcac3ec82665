import { createHash } from 'node:crypto';
import {
  findKnownMemories,
  getMemory,
  type MemoryWords,
  type MemoryWrite,
  writeMemory,
} from '@potentia/db/chat/memory-queries';
import { type Tx, withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { publishEmbeddingHint } from './embedding-hint.ts';
import { MEMORY_LIMITS, rememberInput, type Remembered } from './memory-schemas.ts';
import { withAbsoluteDates } from './rules/absolute-dates.ts';
import { analyse } from './rules/analyse.ts';
import { findDates } from './rules/dates.ts';
import { decideMemory } from './rules/decide-memory.ts';
import { normaliseContent } from './rules/normalise-content.ts';
import { textTerms } from './rules/window-terms.ts';

export type RememberInput = z.input<typeof rememberInput>;

/**
 * Remembers something of the caller. What says the same as something known changes nothing; of a preference, rule or fact
 * what was known of the same subject and attribute is superseded, and stays in its history. Relative dates in it get the
 * dates that they mean. Throws `memory.off`, `memory.too_many`, `memory.too_many_pinned` (conflict).
 */
export async function remember(ctx: UserCtx, input: RememberInput): Promise<Remembered> {
  const parsed = parseInput(rememberInput, input);
  const remembered = await fromDb(() =>
    withContext(ctx.db, { user_id: ctx.actor.user_id }, (tx) => rememberWithin(ctx, tx, parsed)),
  );
  publishOutboxHint(ctx);
  publishEmbeddingHint(ctx);
  return remembered;
}

/** The same in the transaction `tx` of something larger, which has the person's context. The hints are the caller's. */
export async function rememberWithin(ctx: UserCtx, tx: Tx, input: z.output<typeof rememberInput>): Promise<Remembered> {
  const { user_id } = ctx.actor;
  const now = ctx.clock().toISOString();
  const analysis = analyse(input.content);
  const { is_memory_enabled, time_zone, known } = await findKnownMemories(tx, {
    user_id,
    subject: input.subject,
    stems: [...new Set(analysis.stems)],
    also: input.supersedes,
  });
  if (!is_memory_enabled)
    throw new AppError('conflict', 'memory.off', 'Memory is switched off: nothing is remembered. See /chat/settings.');
  const at = input.said_at ?? now;
  const content = withAbsoluteDates(
    input.content,
    findDates(input.content, { at, time_zone, language: analysis.language }),
  );
  const { supersedes: named, keeps_pinned } = input;
  const wanted = memoryRow({ ...input, content });
  const decision = decideMemory({ ...wanted, supersedes: named, keeps_pinned }, known, now);
  if (decision.known_id !== null)
    return {
      outcome: 'known',
      memory: await getMemory(tx, { user_id, memory_id: decision.known_id }),
      superseded: [],
    };
  const { supersedes, is_beside } = decision;
  const row = is_beside ? memoryRow({ ...wanted, kind: 'memory', attribute: null }) : wanted;
  const memory = await writeMemory(tx, {
    ...{ user_id, row, supersedes, bounds: MEMORY_LIMITS, request_id: ctx.request_id },
    words: memoryWords(row),
  });
  return { outcome: supersedes.length > 0 ? 'replaced' : 'created', memory, superseded: supersedes };
}

type Fields = Omit<MemoryWrite, 'id' | 'content_hash'>;

/** A new row. What is known always and has no attribute has its hash for one: no two of those take each other's place. */
export function memoryRow(fields: Fields): MemoryWrite {
  const { subject, kind } = fields;
  const content_hash = contentHash(fields);
  const attribute = fields.attribute ?? (kind === 'memory' ? null : `#${content_hash.slice(0, 32)}`);
  return {
    ...{ id: newId(), kind, subject, attribute, content: fields.content, content_hash, source: fields.source },
    source_message_id: fields.source_message_id,
    source_run_id: fields.source_run_id,
    quote: fields.quote,
    confidence: fields.confidence,
    is_pinned: fields.is_pinned,
    valid_from: fields.valid_from,
    valid_until: fields.valid_until,
  };
}

/** By which the same said twice, of the same subject, is one. */
export const contentHash = ({ subject, content }: Pick<Fields, 'subject' | 'content'>): string =>
  createHash('sha256')
    .update(`${subject.toLowerCase()}\n${normaliseContent(content)}`)
    .digest('hex');

/** What a memory is found by: whom and what it is about, too. */
export const memoryWords = ({
  subject,
  attribute,
  content,
}: Pick<Fields, 'subject' | 'attribute' | 'content'>): MemoryWords =>
  textTerms(
    [subject === 'user' ? '' : subject, attribute?.startsWith('#') ? '' : (attribute ?? ''), content].join('\n'),
  );
