import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import type { BusyCtx } from './busy-cache.ts';
import { slotsBody, type Slots, type workingHours } from './freebusy-schemas.ts';
import { loadBusy, type PersonBusy } from './load-busy.ts';
import { mergeSpans, unpackWeeks } from './rules/intervals.ts';
import { printInstant } from './rules/print-times.ts';
import { findStarts, type WorkingHours } from './rules/slots.ts';
import { printLocal, toLocal } from './rules/zones.ts';

const MINUTE_MS = 60_000;

/**
 * The next slots in which everybody has time, within the working hours of each in their own zone. Whom the caller may not ask
 * about is not considered, and named. Throws `request.invalid`, `platform.database_unavailable`.
 */
export async function findSlots(ctx: BusyCtx, input: z.input<typeof slotsBody>): Promise<Slots> {
  const query = parseInput(slotsBody, input);
  const window = { from: Date.parse(query.from), to: Date.parse(query.to) };
  const buffer = query.buffer_minutes * MINUTE_MS;
  const loaded = await loadBusy(ctx, {
    user_ids: query.user_ids,
    from: window.from - buffer,
    to: window.to + buffer,
  });
  const exceptions = new Map(query.people.map((person) => [person.user_id, person]));
  const found = loaded
    .filter((person) => person !== null)
    .map((person) => {
      const own = exceptions.get(person.user_id);
      return {
        user_id: person.user_id,
        time_zone: own?.time_zone ?? person.time_zone,
        hours: readHours(own?.working_hours === undefined ? query.working_hours : own.working_hours),
        taken: takenOf(person, query.include_tentative),
      };
    });
  const [head] = found;
  const starts = head
    ? findStarts({ ...query, ...window, people: found, time_zone: query.time_zone ?? head.time_zone })
    : [];
  return {
    slots: starts.map((at) => ({
      starts_at: printInstant(at),
      ends_at: printInstant(at + query.duration_minutes * MINUTE_MS),
      local: found.map(({ user_id, time_zone }) => ({
        user_id,
        time_zone,
        starts_local: printLocal(toLocal(at, time_zone), false),
      })),
    })),
    not_found: query.user_ids.filter((_, i) => loaded[i] === null),
  };
}

function takenOf({ weeks }: PersonBusy, include_tentative: boolean): readonly number[] {
  const { busy, tentative } = unpackWeeks(weeks);
  return include_tentative ? mergeSpans([...busy, ...tentative]) : busy;
}

const readHours = (hours: z.output<typeof workingHours> | null): WorkingHours | null =>
  hours && { days: hours.days, start: minuteOf(hours.start), end: minuteOf(hours.end) };

function minuteOf(clock: string): number {
  const [hour = 0, minute = 0] = clock.split(':').map(Number);
  return hour * 60 + minute;
}
