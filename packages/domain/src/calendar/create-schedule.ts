import { createSchedule as insertSchedule, prepareSchedule } from '@potentia/db/calendar/schedule-queries';
import type { Queryable } from '@potentia/db/client';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { bookingsOf } from './book-schedule.ts';
import type { BusyCtx } from './busy-cache.ts';
import { conflictsOf } from './conflicts-of.ts';
import { boundsOf, normaliseFor } from './schedule-rule.ts';
import { createScheduleBody, type CreatedSchedule, type ScheduleDetail } from './schedule-schemas.ts';
import { readNewTimes } from './schedule-times.ts';

/**
 * Puts a schedule into a calendar. Exactly once per `Idempotency-Key`. Whoever is busy then is named in `conflicts`, and it is
 * written all the same; on an exclusive calendar what overlaps is refused. Throws `calendar.not_found`, `calendar.forbidden`
 * (editors may), `calendar.full`, `schedule.rule_refused`, `schedule.booked` (with the occurrence and by what),
 * `schedule.overlaps_itself`, `schedule.booking_unbounded`.
 */
export async function createSchedule(
  ctx: BusyCtx,
  input: z.input<typeof createScheduleBody>,
): Promise<Once<CreatedSchedule>> {
  const body = parseInput(createScheduleBody, input);
  const { user_id } = ctx.actor;
  const { result, replayed } = await fromDb(() =>
    // Without a key there is one statement to write, which needs no transaction around it.
    ctx.idempotency_key === undefined
      ? write(ctx, ctx.db, body).then((result) => ({ result, replayed: false }))
      : withContext(ctx.db, { user_id }, (tx) => once(ctx, tx, 'schedule.create', input, () => write(ctx, tx, body))),
  );
  publishOutboxHint(ctx);
  return { result: { ...result, conflicts: await conflictsOf(ctx, [result], []) }, replayed };
}

async function write(ctx: BusyCtx, db: Queryable, body: z.output<typeof createScheduleBody>): Promise<ScheduleDetail> {
  const { user_id } = ctx.actor;
  const { calendar_id } = body;
  const calendar = await prepareSchedule(db, { user_id, calendar_id });
  const series = normaliseFor(readNewTimes(body, calendar.time_zone));
  const schedule_id = newId();
  const { title, description, location, url, color, status, transparency, visibility } = body;
  const content = { title, description, location, url, color, status, transparency, visibility };
  const { overrides: _none, ...times } = series;
  const fields = { ...content, ...times, uid: schedule_id, organiser_user_id: user_id, ...boundsOf(series) };
  const bookings = bookingsOf({ ...series, status, transparency }, calendar);
  return insertSchedule(db, { user_id, calendar_id, schedule_id, fields, bookings, request_id: ctx.request_id });
}
