import { listGuests } from '@potentia/db/calendar/guest-queries';
import { createSchedule as insertSchedule, prepareSchedule } from '@potentia/db/calendar/schedule-queries';
import type { Queryable } from '@potentia/db/client';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { bookingsOf } from './book-schedule.ts';
import type { BusyCtx } from './busy-cache.ts';
import { writeCalendar } from './calendar-queue.ts';
import { conflictsOf } from './conflicts-of.ts';
import { countGuestMails, type GuestCtx, toNewGuests } from './guest-ctx.ts';
import { MAX_GUESTS } from './guest-schemas.ts';
import { boundsOf, normaliseFor } from './schedule-rule.ts';
import { createScheduleBody, type CreatedSchedule, type ScheduleDetail } from './schedule-schemas.ts';
import { readNewTimes } from './schedule-times.ts';

type CreateCtx = BusyCtx & GuestCtx;

interface Made {
  schedule: ScheduleDetail;
  guest_user_ids: string[];
}

/**
 * Puts a schedule into a calendar, with its guests. Exactly once per `Idempotency-Key`. Whoever is busy then is named in
 * `conflicts`, and it is written all the same; on an exclusive calendar what overlaps is refused. Throws `calendar.not_found`,
 * `calendar.forbidden` (editors may), `calendar.full`, `schedule.rule_refused`, `schedule.booked` (with the occurrence and by
 * what), `schedule.overlaps_itself`, `schedule.booking_unbounded`, `calendar.busy`, and of guests what `addGuests` does.
 */
export async function createSchedule(
  ctx: CreateCtx,
  input: z.input<typeof createScheduleBody>,
): Promise<Once<CreatedSchedule>> {
  const body = parseInput(createScheduleBody, input);
  const { user_id } = ctx.actor;
  const { result, replayed } = await writeCalendar(ctx, body.calendar_id, () =>
    // Without a key and guests one statement writes, and needs no transaction around it.
    ctx.idempotency_key === undefined && body.guests.length === 0
      ? write(ctx, ctx.db, body).then((result) => ({ result, replayed: false }))
      : withContext(ctx.db, { user_id }, (tx) => once(ctx, tx, 'schedule.create', input, () => write(ctx, tx, body))),
  );
  publishOutboxHint(ctx);
  const { schedule, guest_user_ids } = result;
  const conflicts = await conflictsOf(ctx, [schedule], guest_user_ids);
  return { result: { ...schedule, conflicts }, replayed };
}

async function write(ctx: CreateCtx, db: Queryable, body: z.output<typeof createScheduleBody>): Promise<Made> {
  const { user_id } = ctx.actor;
  const calendar = await prepareSchedule(db, { user_id, calendar_id: body.calendar_id });
  const { calendar_id } = calendar;
  const series = normaliseFor(readNewTimes(body, calendar.time_zone));
  const schedule_id = newId();
  const { title, description, location, url, color, status, transparency, visibility } = body;
  const content = { title, description, location, url, color, status, transparency, visibility };
  const { overrides: _none, ...times } = series;
  const guests = toNewGuests(body.guests);
  const fields = { ...content, ...times, uid: schedule_id, organiser_user_id: user_id, ...boundsOf(series), guests };
  const bookings = bookingsOf({ ...series, status, transparency }, calendar);
  const { request_id } = ctx;
  const schedule = await insertSchedule(db, { user_id, calendar_id, schedule_id, fields, bookings, request_id });
  if (guests.length === 0) return { schedule, guest_user_ids: [] };
  const added = await listGuests(db, { user_id, schedule_id, cursor_id: null, limit: MAX_GUESTS });
  const emails = added.flatMap(({ email }) => email ?? []);
  await countGuestMails(ctx, emails);
  return { schedule, guest_user_ids: added.flatMap((guest) => (guest.user_id === null ? [] : [guest.user_id])) };
}
