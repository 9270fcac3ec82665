import type { CalendarRole } from './roles.ts';

const DAY_MS = 86_400_000;

export interface KnownCalendar {
  calendar_id: string;
  role: CalendarRole;
  /** The calendar's seq. */
  seq: number;
}

/** What somebody who synchronises knows: all that a token says. It says nothing of what they may see. */
export interface SyncState {
  /** Epoch milliseconds. */
  issued_at: number;
  /** The window: days before and after the day. */
  from_days: number;
  to_days: number;
  /** Days since 1970, in UTC. */
  day: number;
  /** Their own seq. */
  head: number;
  /** Workspaces in which they are a guest of schedules of calendars that they do not subscribe to. */
  homes: string[];
  calendars: KnownCalendar[];
}

/** What a page goes on from. */
export interface SyncCursor {
  /** Null: they know nothing yet. */
  since: SyncState | null;
  /** What they will know. */
  next: SyncState;
  /** Calendars to be read anew. */
  reset_ids: string[];
  after_id: string;
}

/** Epoch milliseconds, `to` exclusive: whole days in UTC. */
export const syncWindow = ({ day, from_days, to_days }: SyncState): { from: number; to: number } => ({
  from: (day - from_days) * DAY_MS,
  to: (day + to_days) * DAY_MS,
});

export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

export interface SyncPlan {
  /** Calendars that may have changed, with the seq since when; -1: all of it. */
  calendars: { calendar_id: string; since: number }[];
  /** No more subscribed to. */
  lost_ids: string[];
  /** Whatever is held of these is to be dropped first. */
  dropped_ids: string[];
  /** Since when changed what they are a guest of; -1: all of it, null: nothing did. */
  guests_since: number | null;
  /** From when on occurrences came into the window; null: none. */
  entered_from: number | null;
  /** Calendars whose blocks are to be read again. */
  busy_ids: string[];
}

/** What is to be read to get from `since` to `next`. */
export function planSync({ since, next, reset_ids }: Omit<SyncCursor, 'after_id'>): SyncPlan {
  const known = new Map(since?.calendars.map((calendar) => [calendar.calendar_id, calendar]));
  const current = new Set(next.calendars.map(({ calendar_id }) => calendar_id));
  const lost_ids = [...known.keys()].filter((calendar_id) => !current.has(calendar_id));
  const has_slid = since !== null && next.day > since.day;
  const is_head_same = since?.head === next.head;
  const plan: SyncPlan = {
    calendars: [],
    lost_ids,
    dropped_ids: [...lost_ids],
    guests_since: is_head_same ? null : (since?.head ?? -1),
    entered_from: has_slid ? syncWindow(since).to : null,
    busy_ids: [],
  };
  for (const { calendar_id, role, seq } of next.calendars) {
    const before = known.get(calendar_id);
    const is_kept = before?.role === role && !reset_ids.includes(calendar_id);
    if (before && !is_kept) plan.dropped_ids.push(calendar_id);
    if (!is_kept || before.seq < seq) plan.calendars.push({ calendar_id, since: is_kept ? before.seq : -1 });
    const has_blocks = role === 'viewer' || role === 'freebusy';
    if (has_blocks && !(is_kept && before.seq === seq && is_head_same && !has_slid)) plan.busy_ids.push(calendar_id);
  }
  return plan;
}

/** Whether nothing at all is to be read. */
export const isNothing = (plan: SyncPlan): boolean =>
  plan.calendars.length + plan.lost_ids.length + plan.busy_ids.length === 0 &&
  plan.guests_since === null &&
  plan.entered_from === null;
