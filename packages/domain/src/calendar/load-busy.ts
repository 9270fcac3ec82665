import { readFreebusy, readFreebusyStamps, type FreebusyRow } from '@potentia/db/calendar/freebusy-queries';
import type { Db } from '@potentia/db/client';
import { fromDb } from '../platform/db-errors.ts';
import { askTogether } from './ask-together.ts';
import type { BusyCache, BusyCtx, CachedWeek } from './busy-cache.ts';
import { BusyCollector, expandBusy } from './rules/busy-status.ts';
import { packWeek, weekOf, weekStart } from './rules/intervals.ts';

/** Zones are at most so far from UTC. */
const WIDEST_ZONE_MS = 14 * 3_600_000;
/** Floating and all-day times were turned into instants by this tz database: another one makes copies stale. */
const TZ_VERSION = `.${process.versions.tz ?? ''}`;

/** When one person is busy: whole weeks, packed, to be unpacked by whoever wants to look. */
export interface PersonBusy {
  user_id: string;
  /** `users.time_zone` */
  time_zone: string;
  weeks: readonly CachedWeek[];
}

export interface BusyQuery {
  user_ids: readonly string[];
  /** Epoch milliseconds. */
  from: number;
  to: number;
  /** Schedules that do not count: then Redis is of no use. */
  ignore_schedule_ids?: readonly string[];
}

/**
 * When these people are busy, in the order of `user_ids`; null for whom the caller may not ask about. Copies in Redis count when
 * their stamp is the one that Postgres gives the person now, so an answer is never older than the question; what is missing is read
 * from Postgres and kept. Without Redis all of it comes from Postgres. No series is written that would exceed its budget here
 * (`WRITE_BUDGET`), so nobody's spoils the answer about others. Throws `platform.database_unavailable`.
 */
export async function loadBusy(ctx: BusyCtx, query: BusyQuery): Promise<(PersonBusy | null)[]> {
  const { user_ids } = query;
  const weeks = { first: weekOf(query.from), last: weekOf(query.to - 1) };
  const ignore = query.ignore_schedule_ids ?? [];
  const people = ignore.length === 0 ? await lookUp(ctx)({ user_id: ctx.actor.user_id, user_ids, ...weeks }) : 'away';
  if (people === 'away') {
    ctx.busy.count('bypass', user_ids.length * (weeks.last - weeks.first + 1));
    return readSource(ctx, user_ids, weeks, ignore);
  }
  const missing = user_ids.filter((_, i) => people[i] === 'missing');
  if (missing.length === 0) return people as (PersonBusy | null)[];
  const read = await readSource(ctx, missing, weeks, ignore);
  void ctx.busy.write(read.filter((person) => person !== null));
  let next = 0;
  return people.map((person) => (person === 'missing' ? (read[next++] ?? null) : person));
}

interface Weeks {
  first: number;
  last: number;
}

interface LookUp extends Weeks {
  user_id: string;
  user_ids: readonly string[];
}

/** `missing`: to be read from Postgres. `away`: there is no Redis to look into. */
type Found = (PersonBusy | null | 'missing')[] | 'away';

/** By what is asked, for each process; see `askTogether`. */
const look_ups = new WeakMap<Db, WeakMap<BusyCache, (question: LookUp) => Promise<Found>>>();

function lookUp({ db, busy }: BusyCtx): (question: LookUp) => Promise<Found> {
  const of_db = look_ups.get(db) ?? new WeakMap<BusyCache, (question: LookUp) => Promise<Found>>();
  look_ups.set(db, of_db);
  const known = of_db.get(busy) ?? askTogether((questions: LookUp[]) => lookUpTogether(db, busy, questions));
  of_db.set(busy, known);
  return known;
}

/** What Redis has and the stamps of now, read at once. */
async function lookUpTogether(db: Db, busy: BusyCache, questions: LookUp[]): Promise<Found[]> {
  const reading = busy.read(questions);
  if (reading === null) return questions.map(() => 'away' as const);
  const pairs = new Pairs(questions);
  const [cached, stamps] = await Promise.all([reading, fromDb(() => readFreebusyStamps(db, pairs))]);
  if (cached === null) return questions.map(() => 'away' as const);
  // One who is asked about several times has one list of weeks, and is looked at once.
  const matched = new Map<readonly CachedWeek[], PersonBusy | 'missing'>();
  const found = questions.map((question, q) =>
    question.user_ids.map((user_id, i) => {
      const stamp = stamps[pairs.at(question.user_id, user_id)] ?? '';
      if (stamp === '') return null;
      const weeks = cached[q]?.[i] ?? [];
      const known = matched.get(weeks) ?? matchWeeks(user_id, stamp, weeks, question);
      matched.set(weeks, known);
      return known;
    }),
  );
  questions.forEach((question, q) => countWeeks(busy, found[q] ?? [], cached[q] ?? [], question));
  return found;
}

/** Who asks and about whom, each pair once. */
class Pairs {
  readonly user_ids: string[] = [];
  readonly person_ids: string[] = [];
  readonly #by_user = new Map<string, Map<string, number>>();

  constructor(questions: readonly LookUp[]) {
    for (const { user_id, user_ids } of questions) {
      const people = this.#by_user.get(user_id) ?? new Map<string, number>();
      this.#by_user.set(user_id, people);
      for (const person_id of user_ids) {
        if (people.has(person_id)) continue;
        people.set(person_id, this.person_ids.length);
        this.user_ids.push(user_id);
        this.person_ids.push(person_id);
      }
    }
  }

  at(user_id: string, person_id: string): number {
    return this.#by_user.get(user_id)?.get(person_id) ?? -1;
  }
}

/** Those of the cached weeks that are right. */
function matchWeeks(
  user_id: string,
  stamp_of_db: string,
  cached: readonly CachedWeek[],
  { first, last }: Weeks,
): PersonBusy | 'missing' {
  const stamp = stamp_of_db + TZ_VERSION;
  const weeks: CachedWeek[] = [];
  // In the order of weeks; one of them may be there twice.
  for (const one of cached) if (one.week === first + weeks.length && one.stamp === stamp) weeks.push(one);
  if (weeks.length !== last - first + 1) return 'missing';
  return { user_id, time_zone: zoneOf(stamp_of_db), weeks };
}

/** `seq.hash.zone` */
const zoneOf = (stamp: string): string => stamp.slice(stamp.indexOf('.', stamp.indexOf('.') + 1) + 1);

function countWeeks(
  busy: BusyCache,
  people: readonly (PersonBusy | null | 'missing')[],
  cached: readonly (readonly CachedWeek[])[],
  { first, last }: Weeks,
): void {
  const people_by = { hit: 0, stale: 0, miss: 0 };
  people.forEach((person, i) => {
    if (person === null) return;
    people_by[person !== 'missing' ? 'hit' : cached[i]?.length ? 'stale' : 'miss'] += 1;
  });
  for (const outcome of ['hit', 'stale', 'miss'] as const)
    if (people_by[outcome] > 0) busy.count(outcome, people_by[outcome] * (last - first + 1));
}

/** From Postgres, in one statement. */
async function readSource(
  ctx: BusyCtx,
  user_ids: readonly string[],
  { first, last }: Weeks,
  ignore_schedule_ids: readonly string[],
): Promise<(PersonBusy | null)[]> {
  const window = { from: weekStart(first), to: weekStart(last + 1) };
  const rows = await fromDb(() =>
    readFreebusy(ctx.db, {
      user_id: ctx.actor.user_id,
      user_ids,
      from: new Date(window.from).toISOString(),
      to: new Date(window.to).toISOString(),
      ignore_schedule_ids,
    }),
  );
  const people = new Map(rows.map((row) => [row.user_id, packRow(row, { first, last })]));
  return user_ids.map((user_id) => people.get(user_id) ?? null);
}

function packRow(row: FreebusyRow, { first, last }: Weeks): PersonBusy {
  const collector = new BusyCollector(row.time_zone);
  for (const status of ['busy', 'tentative'] as const) {
    for (const [is_local, text] of [
      [false, row[status]],
      [true, row[`local_${status}`]],
    ] as const) {
      const seconds = text === null ? [] : text.split(',');
      for (let i = 0; i < seconds.length; i += 2)
        collector.add(status, is_local, Number(seconds[i]) * 1000, Number(seconds[i + 1]) * 1000);
    }
  }
  const window = { from: weekStart(first) - WIDEST_ZONE_MS, to: weekStart(last + 1) + WIDEST_ZONE_MS };
  for (const schedule of row.series ?? []) {
    const is_local = schedule.series.time_zone === null;
    for (const { status, starts_at, ends_at } of expandBusy(schedule, window))
      collector.add(status, is_local, starts_at, ends_at);
  }
  const spans = collector.spans();
  const stamp = row.stamp + TZ_VERSION;
  const weeks = Array.from({ length: last - first + 1 }, (_, i) => ({
    week: first + i,
    stamp,
    packed: packWeek(first + i, spans),
  }));
  return { user_id: row.user_id, time_zone: row.time_zone, weeks };
}
