import { beginZoneChange, finishZoneCheck, listZoneRules, uncoverZones } from '@potentia/db/calendar/fan-out-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { zoneFingerprint } from './rules/zones.ts';

/** The queue of the look at the zones. */
export const CALENDAR_ZONES = 'calendar.zones';

const DAY_MS = 86_400_000;
/** Schedules that one statement looks at: for so long those calendars of which one has changed are held. */
const BATCH = 500;

/**
 * Compares the zones in use with what they were when schedules were expanded, each once a day and as soon as a process has another tz
 * database. Schedules in a zone that has changed are expanded anew, all others are left as they are. Run again after a crash it
 * begins anew, and finds what it has done.
 */
export async function checkZones(ctx: Ctx): Promise<{ changed: string[]; uncovered: number }> {
  const tz_version = process.versions.tz ?? '';
  const before = new Date(ctx.clock().getTime() - DAY_MS).toISOString();
  const due = await fromDb(() => listZoneRules(ctx.db, { tz_version, before }));
  const changed: string[] = [];
  for (const { time_zone, fingerprint: before_now, is_changing } of due) {
    const fingerprint = zoneFingerprint(time_zone);
    if (fingerprint === before_now && !is_changing) continue;
    changed.push(time_zone);
    await fromDb(() => beginZoneChange(ctx.db, { time_zone, fingerprint }));
  }
  const uncovered = changed.length > 0 ? await uncover(ctx, changed, tz_version) : 0;
  const time_zones = due.map(({ time_zone }) => time_zone);
  if (due.length > 0) await fromDb(() => finishZoneCheck(ctx.db, { time_zones, tz_version }));
  if (changed.length > 0) {
    publishOutboxHint(ctx);
    ctx.log.info({ changed, uncovered, tz_version }, 'zones have changed, and their schedules are expanded anew');
  }
  return { changed, uncovered };
}

async function uncover(ctx: Ctx, time_zones: string[], tz_version: string): Promise<number> {
  let uncovered = 0;
  for (let cursor_id: string | null = null; ;) {
    const done = await uncoverNext(ctx, { time_zones, tz_version, cursor_id });
    uncovered += done.uncovered;
    cursor_id = done.next_id;
    if (cursor_id === null) return uncovered;
  }
}

const uncoverNext = (ctx: Ctx, input: { time_zones: string[]; tz_version: string; cursor_id: string | null }) =>
  fromDb(() => uncoverZones(ctx.db, { ...input, limit: BATCH, request_id: ctx.request_id }));
