import { defaultCalendar, isCalendarShared } from '@potentia/db/agent/tool-call-queries';
import type { Calendar } from '../../calendar/calendar-schemas.ts';
import { getCalendar } from '../../calendar/get-calendar.ts';
import { listCalendars } from '../../calendar/list-calendars.ts';
import { fromDb } from '../../platform/db-errors.ts';
import { AppError } from '../../platform/errors.ts';
import { invalidField } from '../../platform/parse.ts';
import type { CallCtx } from './tool.ts';

export interface FoundCalendar {
  calendar: Calendar;
  /** Anybody else subscribes to it. */
  is_shared: boolean;
  is_default: boolean;
}

/**
 * The calendar of this name or id that the person may write into, or their default one. Throws `request.invalid` at `/calendar` for
 * one that they do not have, `calendar.forbidden`.
 */
export async function findCalendar(ctx: CallCtx, named: string | undefined): Promise<FoundCalendar> {
  const { user_id } = ctx.actor;
  const default_id = await fromDb(() => defaultCalendar(ctx.db, { user_id }));
  if (named === undefined && default_id === null)
    throw invalidField('/calendar', 'Required: there is no default calendar');
  const calendar =
    named === undefined ? await getCalendar(ctx, { calendar_id: default_id ?? '' }) : await pick(ctx, named);
  if (calendar.role !== 'owner' && calendar.role !== 'editor')
    throw new AppError('forbidden', 'calendar.forbidden', 'Your role on this calendar does not allow this.');
  const is_shared = await fromDb(() => isCalendarShared(ctx.db, { user_id, calendar_id: calendar.id }));
  return { calendar, is_shared, is_default: calendar.id === default_id };
}

async function pick(ctx: CallCtx, named: string): Promise<Calendar> {
  const { items } = await listCalendars(ctx, { limit: 200 });
  const wanted = named.trim().toLowerCase();
  const found = items.filter(({ id, name }) => id === wanted || name.toLowerCase() === wanted);
  const [only] = found;
  if (only && found.length === 1) return only;
  const names = items.slice(0, 20).map(({ name }) => name);
  throw invalidField(
    '/calendar',
    found.length > 1
      ? 'Several calendars have this name: give the id of one'
      : `There is none. There are: ${names.join(', ')}`,
  );
}
