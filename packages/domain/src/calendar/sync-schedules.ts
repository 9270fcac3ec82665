import { setImmediate } from 'node:timers/promises';
import {
  selectSyncBusy,
  selectSyncHeads,
  selectSyncSchedules,
  type SyncHeads,
  type SyncScheduleRow,
} from '@potentia/db/calendar/sync-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import { printInstant } from './rules/print-times.ts';
import { BudgetExceeded } from './rules/expand.ts';
import { blocksOf, expandBlocks } from './rules/sync-busy.ts';
import { type SyncedOccurrence, syncOccurrences } from './rules/sync-schedule.ts';
import { dayOf, isNothing, planSync, type SyncPlan, type SyncState, syncWindow } from './rules/sync-state.ts';
import {
  MAX_SYNC_TOKEN,
  parseSyncCursor,
  parseSyncToken,
  printSyncCursor,
  printSyncToken,
} from './rules/sync-token.ts';
import { type SyncBusy, type SyncPage, type SyncSchedule, syncQuery } from './sync-schemas.ts';
import { MAX_WINDOW_DAYS } from './view-schemas.ts';

const DAY_MS = 86_400_000;
/** What is gone is told this long. */
const TOKEN_LIFE_MS = 90 * DAY_MS;
/** Occurrences after which a page ends. */
const MAX_OCCURRENCES = 20_000;
/** Schedules of which somebody sees blocks alone. */
const MAX_BLOCK_SCHEDULES = 10_000;
/** Series expanded before others get their turn. */
const TURN = 50;

type Query = z.output<typeof syncQuery>;

/** What one page is made by: from what to what, and what has been told already. */
interface Round {
  since: SyncState | null;
  next: SyncState;
  reset_ids: string[];
  after_id: string | null;
  /** Null: this is not the first page. */
  heads: SyncHeads | null;
}

/**
 * Everything in a window of days around today, page by page; and later, for the token that came with the last page, what changed
 * since, and what came into the window as the days went by. Occurrences are expanded from their series, so a page is never behind
 * a write. What is told twice, because it changed meanwhile, is the same. Throws `sync.token_expired` (begin anew),
 * `sync.too_large`, and `request.invalid` for what is no token of this.
 */
export async function syncSchedules(ctx: UserCtx, input: z.input<typeof syncQuery>): Promise<SyncPage> {
  const query = parseInput(syncQuery, input);
  const round = query.cursor === undefined ? await beginRound(ctx, query) : resumeRound(ctx, query.cursor);
  const plan = planSync(round);
  const window = syncWindow(round.next);
  const { changed, entered, emptied, next_id } = await readSchedules(ctx, round, plan, query.limit);
  const is_first = round.heads !== null;
  const busy = next_id === null ? await readBusy(ctx, plan, round) : [];
  return {
    window: { from: printInstant(window.from), to: printInstant(window.to) },
    calendars: round.heads && listCalendars(round.heads),
    calendars_removed: is_first ? plan.dropped_ids : [],
    removed: [...(round.heads?.removed ?? []), ...emptied],
    changed,
    entered,
    busy,
    next_cursor: next_id === null ? null : bounded(printSyncCursor({ ...round, after_id: next_id })),
    sync_token: next_id === null ? bounded(printSyncToken(round.next)) : null,
  };
}

async function beginRound(ctx: UserCtx, query: Query): Promise<Round> {
  const now = ctx.clock().getTime();
  const since =
    query.sync_token === undefined ? null : checkState(parseSyncToken(query.sync_token), now, '/sync_token');
  const known = since && {
    calendar_ids: since.calendars.map(({ calendar_id }) => calendar_id),
    seqs: since.calendars.map(({ seq }) => seq),
    head: since.head,
  };
  const heads = await fromDb(() => selectSyncHeads(ctx.db, ctx.actor.user_id, known));
  // What they were a guest of in a workspace that they have left is told by nobody.
  if (since?.homes.some((home) => !heads.homes.includes(home))) throw expired();
  const next: SyncState = {
    issued_at: now,
    from_days: since?.from_days ?? query.from_days ?? 30,
    to_days: since?.to_days ?? query.to_days ?? 365,
    day: Math.max(dayOf(now), since?.day ?? 0),
    head: heads.head,
    homes: heads.guest_homes,
    calendars: heads.calendars.map(({ calendar_id, role, seq }) => ({ calendar_id, role, seq })),
  };
  const reset_ids = heads.calendars.flatMap(({ calendar_id, needs_reset }) => (needs_reset ? [calendar_id] : []));
  return { since, next, reset_ids, after_id: null, heads };
}

function resumeRound(ctx: UserCtx, cursor: string): Round {
  const now = ctx.clock().getTime();
  const parsed = parseSyncCursor(cursor);
  if (parsed === null) throw notOurs('/cursor');
  checkState(parsed.next, now, '/cursor');
  if (parsed.since) checkState(parsed.since, now, '/cursor');
  return { ...parsed, heads: null };
}

/** Throws unless it is a state that can be gone on from. */
function checkState(state: SyncState | null, now: number, pointer: string): SyncState {
  if (state === null) throw notOurs(pointer);
  const { from_days, to_days, day, issued_at } = state;
  const is_window = from_days <= MAX_WINDOW_DAYS && to_days >= 1 && to_days <= MAX_WINDOW_DAYS;
  if (!is_window || day > dayOf(now) + 1) throw notOurs(pointer);
  if (now - issued_at > TOKEN_LIFE_MS || (dayOf(now) - day) * DAY_MS > TOKEN_LIFE_MS) throw expired();
  return state;
}

async function readSchedules(ctx: UserCtx, round: Round, plan: SyncPlan, limit: number) {
  const page = { changed: [] as SyncSchedule[], entered: [] as SyncSchedule[], emptied: [] as string[] };
  if (isNothing(plan)) return { ...page, next_id: null };
  const window = syncWindow(round.next);
  const rows = await fromDb(() =>
    selectSyncSchedules(ctx.db, {
      user_id: ctx.actor.user_id,
      calendar_ids: plan.calendars.map(({ calendar_id }) => calendar_id),
      since: plan.calendars.map(({ since }) => since),
      lost_ids: plan.lost_ids,
      guests_since: plan.guests_since,
      from: printInstant(window.from),
      to: printInstant(window.to),
      entered_from: printInstant(plan.entered_from ?? window.to),
      after_id: round.after_id,
      limit: limit + 1,
    }),
  );
  let count = 0;
  for (const [n, row] of rows.slice(0, limit).entries()) {
    const entered = { from: plan.entered_from ?? window.to, to: window.to };
    const occurrences = withinBudget(() =>
      row.is_entered
        ? syncOccurrences(row, entered, { is_begun_included: false })
        : syncOccurrences(row, window, { is_begun_included: true }),
    );
    if (occurrences.length > 0) page[row.is_entered ? 'entered' : 'changed'].push(present(row, occurrences));
    else if (!row.is_entered && round.since) page.emptied.push(row.schedule_id);
    count += occurrences.length;
    if (n % TURN === TURN - 1) await setImmediate();
    const has_more = n + 1 < rows.length;
    if (has_more && (count >= MAX_OCCURRENCES || n + 1 === limit)) return { ...page, next_id: row.schedule_id };
  }
  return { ...page, next_id: null };
}

function present(row: SyncScheduleRow, occurrences: SyncedOccurrence[]): SyncSchedule {
  const { schedule_id, calendar_id, title, description, location, url, color, status, transparency } = row;
  const { visibility, organiser_user_id, is_all_day, time_zone, is_recurring, version } = row;
  return {
    ...{ schedule_id, calendar_id, title, description, location, url, color, status, transparency },
    ...{ visibility, organiser_user_id, is_all_day, time_zone, is_recurring, can_edit: row.role === 'editor', version },
    occurrences,
  };
}

async function readBusy(ctx: UserCtx, { busy_ids }: SyncPlan, round: Round): Promise<SyncBusy[]> {
  if (busy_ids.length === 0) return [];
  const { from, to } = syncWindow(round.next);
  const input = { user_id: ctx.actor.user_id, calendar_ids: busy_ids, from: printInstant(from), to: printInstant(to) };
  const heads = round.heads ?? (await fromDb(() => selectSyncHeads(ctx.db, ctx.actor.user_id, null)));
  const rows = await fromDb(() => selectSyncBusy(ctx.db, { ...input, limit: MAX_BLOCK_SCHEDULES + 1 }));
  if (rows.length > MAX_BLOCK_SCHEDULES) throw tooLarge();
  const pairs = new Map<string, number[]>(busy_ids.map((calendar_id) => [calendar_id, []]));
  for (const [n, row] of rows.entries()) {
    const edges = withinBudget(() => expandBlocks(row, { from, to }, heads.viewer_time_zone));
    for (const edge of edges) pairs.get(row.calendar_id)?.push(edge);
    if (n % TURN === TURN - 1) await setImmediate();
  }
  return Array.from(pairs, ([calendar_id, spans]) => ({ calendar_id, blocks: blocksOf(spans) }));
}

const listCalendars = ({ calendars }: SyncHeads): SyncPage['calendars'] =>
  calendars.map(({ calendar_id, role, name, color, time_zone, is_hidden }) => ({
    ...{ calendar_id, role, name, color, time_zone, is_hidden },
  }));

/** Throws `sync.too_large` for what would not fit into a URL. */
function bounded(text: string): string {
  if (text.length > MAX_SYNC_TOKEN) throw tooLarge();
  return text;
}

/** What one series can cost is bounded when it is written; should one cost more, that is told, and nothing is left out. */
function withinBudget<T>(expand: () => T): T {
  try {
    return expand();
  } catch (error) {
    throw error instanceof BudgetExceeded ? tooLarge() : error;
  }
}

const notOurs = (pointer: string): AppError => invalidField(pointer, 'Not a token of this synchronisation');
const expired = (): AppError =>
  new AppError('conflict', 'sync.token_expired', 'This token is too old to go on from: synchronise anew, without it');
const tooLarge = (): AppError =>
  new AppError('invalid', 'sync.too_large', 'This is more than can be synchronised: subscribe to fewer calendars');
