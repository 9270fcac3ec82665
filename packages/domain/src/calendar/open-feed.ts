import { findFeed } from '@potentia/db/calendar/ics-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { hashLinkToken } from '../platform/link-token.ts';
import { type CalendarExport, exportCalendar } from './export-calendar.ts';

/**
 * The calendar behind a secret address, as whoever made the address may read it now. Throws `calendar.feed_not_found` for whatever lets
 * nobody read: no such address, an earlier one, its maker's access gone, the calendar or its workspace gone.
 */
export async function openFeed(ctx: Pick<Ctx, 'db' | 'clock'>, { token }: { token: string }): Promise<CalendarExport> {
  const token_hash = hashLinkToken(token.replace(/\.ics$/, ''));
  if (token_hash === undefined) throw new AppError('not_found', 'calendar.feed_not_found', 'There is no such feed.');
  const { user_id, calendar_id } = await fromDb(() => findFeed(ctx.db, { token_hash }));
  return exportCalendar({ ...ctx, actor: { type: 'user', user_id } }, { calendar_id });
}
