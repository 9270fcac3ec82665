import { setImmediate } from 'node:timers/promises';
import { selectView, type View, type ViewRow } from '@potentia/db/calendar/view-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { decodeCursor, encodeCursor } from '../platform/cursor.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { BudgetExceeded } from './rules/expand.ts';
import { pageOfView, type Position, printOccurrences } from './rules/view-page.ts';
import { type Cut, viewInstances, viewSeries, type ViewedOccurrence } from './rules/viewed.ts';
import { viewPosition, viewQuery, wordsOf } from './view-schemas.ts';

const HOUR_MS = 3_600_000;
/** Stored instances that one statement reads. */
const MAX_INSTANCES = 20_000;
/** Series that one page expands: as many as one import brings, before its instances are written. */
const MAX_SERIES = 5_000;
/** Occurrences that one page expands. */
const MAX_EXPANDED = 50_000;
/** Series are expanded so much of the window at a time, until the page is full. */
const SLICE_MS = 31 * 24 * HOUR_MS;
/** Below this a window that holds too much is not cut further. */
const SHORTEST_WINDOW_MS = 6 * HOUR_MS;
/** Series expanded before others get their turn. */
const TURN = 50;

export interface ViewedPage {
  /** `viewPage` in view-schemas.ts. */
  json: string;
  /** Where the occurrences came from: stored instances, or series that were expanded now. */
  read: { instances: number; expanded: number };
}

/** Times in epoch milliseconds. */
interface Query extends Omit<z.output<typeof viewQuery>, 'from' | 'to' | 'q'> {
  from: number;
  to: number;
  words: string[] | null;
  after: Position | null;
}

/**
 * The occurrences of everything that the person may see, in order of their starts: subscribed calendars of all workspaces, and
 * what they are a guest of. As JSON text. Right in the same second as a write: what has no stored instances yet, or lies outside
 * their horizon, is expanded now. Throws `calendar.not_found`, `view.too_large`, `request.invalid` for a cursor of another list.
 */
export async function viewSchedules(ctx: UserCtx, input: z.input<typeof viewQuery>): Promise<ViewedPage> {
  const { from, to, q, ...query } = parseInput(viewQuery, input);
  const after = query.cursor === undefined ? null : decodeCursor(viewPosition, query.cursor);
  const times = { from: Date.parse(from), to: Date.parse(to) };
  const words = q === undefined ? null : wordsOf(q);
  const { items, next, read } = await viewWindow(ctx, { ...query, ...times, words, after });
  const next_cursor = next && JSON.stringify(encodeCursor(next));
  return { json: `{"items":${printOccurrences(items)},"next_cursor":${next_cursor ?? 'null'}}`, read };
}

async function viewWindow(ctx: UserCtx, query: Query) {
  // What began before the window comes first, so a page that goes on within it has all of that behind it.
  const resumed = query.after !== null && query.after[0] >= query.from ? query.after[0] : null;
  const from = resumed ?? query.from;
  const { view, to } = await readView(ctx, query, from, resumed);
  const cut: Cut = { from, to, is_begun_included: resumed === null, time_zone: query.time_zone ?? view.time_zone };
  const stored = view.schedules.flatMap((row) => (row.instances ? viewInstances(row, row.instances, cut) : []));
  const isFull = (until: number, more: number): boolean =>
    stored.reduce((count, { starts_at }) => (starts_at < until ? count + 1 : count), more) > query.limit;
  const expanded = await expandUncovered(view.schedules, cut, isFull);
  const seen = stored.filter(({ starts_at }) => starts_at < expanded.until).concat(expanded.occurrences);
  const page = pageOfView(seen, query.after, query.limit);
  const is_whole = expanded.until >= query.to;
  return {
    items: page.items,
    // Nothing after the window that was read is on this page, so the next one begins there.
    next: page.next ?? (is_whole ? null : ([expanded.until, '', 0] as const)),
    read: { instances: seen.length - expanded.occurrences.length, expanded: expanded.occurrences.length },
  };
}

/** Reads the window, or as much of its beginning as can be read at once. Throws `view.too_large`. */
async function readView(
  ctx: UserCtx,
  query: Query,
  from: number,
  resumed: number | null,
): Promise<{ view: View; to: number }> {
  let to = query.to;
  for (;;) {
    const input = {
      user_id: ctx.actor.user_id,
      from: new Date(query.from).toISOString(),
      to: new Date(to).toISOString(),
      after: resumed === null ? null : new Date(resumed).toISOString(),
      calendar_id: query.calendar_id ?? null,
      include_hidden: query.include_hidden,
      words: query.words,
      max_instances: MAX_INSTANCES,
      max_series: MAX_SERIES,
    };
    const view = await fromDb(() => selectView(ctx.db, input));
    if (view) return { view, to };
    if (to - from <= SHORTEST_WINDOW_MS) throw tooLarge();
    to = from + Math.ceil((to - from) / 4);
  }
}

interface Expanded {
  occurrences: ViewedOccurrence[];
  /** As far as they were expanded. */
  until: number;
}

/** Expands slice by slice until the window is through, or the page is full. Throws `view.too_large`. */
async function expandUncovered(
  schedules: readonly ViewRow[],
  cut: Cut,
  isFull: (until: number, expanded: number) => boolean,
): Promise<Expanded> {
  const rows = schedules.flatMap((row) => (row.series ? { row, series: row.series } : []));
  if (rows.length === 0) return { occurrences: [], until: cut.to };
  const occurrences: ViewedOccurrence[] = [];
  let turn = 0;
  let until = cut.from;
  while (until < cut.to) {
    const is_first = until === cut.from;
    const slice = { ...cut, from: until, to: Math.min(until + SLICE_MS, cut.to) };
    slice.is_begun_included &&= is_first;
    for (const { row, series } of rows) {
      for (const occurrence of expandOne(row, series, slice)) occurrences.push(occurrence);
      if (occurrences.length > MAX_EXPANDED) throw tooLarge();
      if (++turn % TURN === 0) await setImmediate();
    }
    until = slice.to;
    if (until < cut.to && isFull(until, occurrences.length)) break;
  }
  return { occurrences, until };
}

function expandOne(...args: Parameters<typeof viewSeries>): ViewedOccurrence[] {
  try {
    return viewSeries(...args);
  } catch (error) {
    throw error instanceof BudgetExceeded ? tooLarge() : error;
  }
}

const tooLarge = (): AppError =>
  new AppError('invalid', 'view.too_large', 'This is more than can be looked at in one go: ask for a shorter window', {
    errors: [{ pointer: '/to', message: 'Ask for a shorter window' }],
  });
