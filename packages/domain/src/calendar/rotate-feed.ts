import { rotateFeed as writeFeed } from '@potentia/db/calendar/ics-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { hashLinkToken, makeLinkToken } from '../platform/link-token.ts';
import { parseInput } from '../platform/parse.ts';
import { type CalendarFeed, icsCalendarRef } from './ics-schemas.ts';

/**
 * Makes a secret address of a calendar for programs that read iCalendar; an earlier one of the same person ends. It shows what they
 * may read, for as long as they may. This answer is the only one that holds the token. Throws `calendar.not_found`.
 */
export async function rotateFeed(
  ctx: UserCtx,
  input: z.input<typeof icsCalendarRef>,
): Promise<{ feed: CalendarFeed; token: string }> {
  const { calendar_id } = parseInput(icsCalendarRef, input);
  const token = makeLinkToken();
  const { user_id } = ctx.actor;
  const token_hash = hashLinkToken(token) ?? '';
  const feed = await fromDb(() => writeFeed(ctx.db, { user_id, calendar_id, token_hash, request_id: ctx.request_id }));
  return { feed, token };
}
