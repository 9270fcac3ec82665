import { listContexts } from '@potentia/db/chat/context-queries';
import { auditChatExport, exportMessages, type ExportedMessageRow } from '@potentia/db/chat/import-queries';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';

/** Rows that are in memory at once. Each page is a statement of its own, so that no slow reader holds a connection. */
const PAGE = 200;

/**
 * Everything of the caller's chat as NDJSON: a line for each context, then one for each message, the oldest first. `message` of such a
 * line is what the import takes (`source` of the caller's choice), so that an export brings contexts and messages into another account.
 * Audited once, with its first page.
 */
export async function* exportChat(ctx: UserCtx): AsyncGenerator<string, void, void> {
  const { user_id } = ctx.actor;
  await fromDb(() => auditChatExport(ctx.db, { user_id, request_id: ctx.request_id }));
  for (const status of ['active', 'archived'] as const) yield* contextLines(ctx, status);
  let after: ExportedMessageRow | null = null;
  for (;;) {
    const rows: ExportedMessageRow[] = await fromDb(() => exportMessages(ctx.db, { user_id, after, limit: PAGE }));
    yield rows.map(lineOf).join('');
    after = rows.at(-1) ?? null;
    if (rows.length < PAGE) return;
  }
}

async function* contextLines(ctx: UserCtx, status: 'active' | 'archived'): AsyncGenerator<string, void, void> {
  const { user_id } = ctx.actor;
  let after: { last_message_at: string; id: string } | null = null;
  for (;;) {
    const rows: Awaited<ReturnType<typeof listContexts>> = await fromDb(() =>
      listContexts(ctx.db, { user_id, status, after, limit: PAGE }),
    );
    yield rows.map(({ context }) => `${JSON.stringify({ type: 'context', context })}\n`).join('');
    after = rows.at(-1) ?? null;
    if (rows.length < PAGE) return;
  }
}

function lineOf({ message, context, citations }: ExportedMessageRow): string {
  const { id, context_id, role, author_name, content, created_at, ...more } = message;
  const names = { external_id: id, context_external_id: context_id, context_title: context.title };
  const importable = { ...names, role, author_name, content, created_at };
  const { source, import_source, external_id, run_id, finish_reason, language, mentions } = more;
  const told = { source, import_source, external_id, run_id, finish_reason, language, mentions, citations };
  return `${JSON.stringify({ type: 'message', message: importable, ...told })}\n`;
}
