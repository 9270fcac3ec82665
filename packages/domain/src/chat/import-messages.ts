import { setImmediate } from 'node:timers/promises';
import {
  getPersonTimeZone,
  importMessages as storeMessages,
  type ImportedContextRow,
  type ImportedMessageRow,
} from '@potentia/db/chat/import-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { FieldError } from '../platform/errors.ts';
import { invalidInput, parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { publishEmbeddingHint } from './embedding-hint.ts';
import { importMessagesBody, type ImportedMessage, type ImportReport } from './import-schemas.ts';
import { languageOf } from './rules/analyse.ts';
import { findDates } from './rules/dates.ts';
import { titleOf } from './rules/title.ts';
import { tokens } from './rules/tokens.ts';

/** What is told of imports. */
export interface ImportMetrics {
  countMessages(outcome: 'imported' | 'duplicate' | 'conflict', count: number): void;
}

export type ImportCtx = UserCtx & { import_metrics?: ImportMetrics };

/** Milliseconds that somebody's clock may be ahead. */
const CLOCK_SKEW = 60_000;
/** Milliseconds of work after which others have their turn. */
const SLICE = 8;
/** Characters of a message by which its language is told, and in which dates are looked for: hostile texts cost no more. */
const LOOKED_AT = { language: 1_000, dates: 4_000 } as const;

/**
 * Takes up messages from another system, in the caller's chat: each once by (source, external_id), with its own time, in contexts of
 * its own. What was imported before and says something else now is reported, and stays. Nothing of it is remembered as said by the
 * caller. Throws `request.invalid` for times before 1970 or yet to come, `chat.too_many_messages`, `chat.too_many_contexts`.
 */
export async function importMessages(ctx: ImportCtx, input: z.input<typeof importMessagesBody>): Promise<ImportReport> {
  const { source, messages } = parseInput(importMessagesBody, input);
  checkTimes(messages, ctx.clock().getTime());
  const { user_id } = ctx.actor;
  const time_zone = await fromDb(() => getPersonTimeZone(ctx.db, { user_id }));
  const rows = await prepare(messages, time_zone);
  const report = await fromDb(() =>
    storeMessages(ctx.db, {
      user_id,
      source,
      messages: rows,
      contexts: contextsOf(messages),
      request_id: ctx.request_id,
    }),
  );
  publishEmbeddingHint(ctx);
  ctx.import_metrics?.countMessages('imported', report.imported);
  ctx.import_metrics?.countMessages('duplicate', report.duplicates);
  ctx.import_metrics?.countMessages('conflict', report.conflicts.length);
  return report;
}

function checkTimes(messages: ImportedMessage[], now: number): void {
  const errors = messages.flatMap(({ created_at }, n): FieldError[] => {
    const at = Date.parse(created_at);
    const pointer = `/messages/${n}/created_at`;
    if (Number.isNaN(at) || at < 0) return [{ pointer, message: 'Before 1970' }];
    return at > now + CLOCK_SKEW ? [{ pointer, message: 'In the future' }] : [];
  });
  if (errors.length > 0) throw invalidInput(errors.slice(0, 50));
}

/** With what is found out about each text, a little at a time: a thousand long ones must not hold up everybody else. */
async function prepare(messages: ImportedMessage[], time_zone: string): Promise<ImportedMessageRow[]> {
  const rows: ImportedMessageRow[] = [];
  let since = performance.now();
  for (const [n, message] of messages.entries()) {
    rows.push(rowOf(message, n, time_zone));
    if (performance.now() - since < SLICE) continue;
    await setImmediate();
    since = performance.now();
  }
  return rows;
}

function rowOf(message: ImportedMessage, n: number, time_zone: string): ImportedMessageRow {
  const { external_id, role, author_name, content, created_at, context_external_id } = message;
  const language = languageOf(tokens(content.slice(0, LOOKED_AT.language)));
  const mentions = findDates(content.slice(0, LOOKED_AT.dates), { at: created_at, time_zone, language });
  return {
    n,
    id: newId(),
    external_id,
    role,
    author_name,
    content,
    created_at: inUtc(created_at),
    language,
    mentions,
    context_external_id,
  };
}

/** Offsets of more than sixteen hours are none to the database. */
const inUtc = (at: string): string => (at.endsWith('Z') ? at : new Date(at).toISOString());

/** Every context that is named once, by the first title given for it, else by its first words. */
function contextsOf(messages: ImportedMessage[]): ImportedContextRow[] {
  const contexts = new Map<string | null, ImportedContextRow>();
  for (const { context_external_id: external_id, context_title, content } of messages) {
    const known = contexts.get(external_id);
    if (!known) {
      const title = context_title ?? titleOf(content);
      contexts.set(external_id, { id: newId(), external_id, title, titled_by: context_title ? 'import' : 'rules' });
    } else if (known.titled_by === 'rules' && context_title) {
      Object.assign(known, { title: context_title, titled_by: 'import' });
    }
  }
  return [...contexts.values()];
}
