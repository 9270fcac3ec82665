import { isDeepStrictEqual } from 'node:util';
import {
  applySchedulePlan,
  getSchedule,
  type LoadedSchedule,
  loadScheduleForEdit,
  moveScheduleToCalendar,
} from '@potentia/db/calendar/schedule-queries';
import { type Tx, withContext } from '@potentia/db/context';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { newId } from '../platform/uuid.ts';
import { bookingsOf } from './book-schedule.ts';
import type { BusyCtx } from './busy-cache.ts';
import { writeSchedule } from './calendar-queue.ts';
import { conflictsOf } from './conflicts-of.ts';
import { previewPlan } from './preview-plan.ts';
import { planEdit } from './rules/plan.ts';
import { type Edit, type Plan, type PlannedSchedule, PlanRefused, type ScheduleWrite } from './rules/plan-types.ts';
import { boundsOf, ruleRefused } from './schedule-rule.ts';
import {
  type ChangedSchedule,
  type EditPreview,
  MAX_OVERRIDES,
  MAX_RDATES,
  type ScheduleDetail,
} from './schedule-schemas.ts';

/** UTF-16 units of all overrides of a series as JSON: it is read and written as a whole. */
const MAX_OVERRIDES_TEXT = 1_048_576;

export type Loaded = LoadedSchedule<PlannedSchedule>;

export interface EditRequest {
  kind: Edit['kind'];
  schedule_id: string;
  /** The version that the edit was made on, from the body and from If-Match. */
  version?: number | undefined;
  expected_version?: number | undefined;
  /** The other calendar that the whole schedule goes to. */
  to_calendar_id?: string | undefined;
  /** What to do, once it is known what there is. */
  toEdit: (loaded: Loaded) => Omit<Edit, 'kind'>;
  /** What the verb was given: an `Idempotency-Key` stands for it. */
  input: unknown;
}

/** What is remembered of an edit that was done. */
interface Done {
  /** Null: nothing is left of it. */
  schedule: ScheduleDetail | null;
  cut_off: ScheduleDetail | null;
  guest_user_ids: string[];
  /** Whether somebody may be busy where it stands now. */
  takes_place_anew: boolean;
  calendar_id: string;
}

/**
 * Every change of a schedule: reads it under the calendar's lock, plans in milliseconds, writes in one statement. Throws
 * `schedule.not_found`, `schedule.forbidden`, `schedule.version_conflict` (conflict or precondition), `calendar.busy`, what planning
 * refuses (`schedule.occurrence_not_found`, …), and what creating in this calendar would. Null: nothing is left of it.
 */
export async function editSchedule(ctx: BusyCtx, request: EditRequest): Promise<Once<ChangedSchedule | null>> {
  const { user_id } = ctx.actor;
  const operation = `schedule.${request.kind}`;
  const { result, replayed } = await writeSchedule(ctx, request.schedule_id, async () => {
    const done = await withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, operation, request.input, () => change(ctx, tx, request)),
    );
    return { ...done, calendar_id: done.result.calendar_id };
  });
  publishOutboxHint(ctx);
  const { schedule, cut_off, guest_user_ids, takes_place_anew } = result;
  if (!schedule) return { result: null, replayed };
  const changed = cut_off ? [cut_off, schedule] : [schedule];
  const conflicts = takes_place_anew ? await conflictsOf(ctx, changed, guest_user_ids) : [];
  return { result: { ...schedule, cut_off, conflicts }, replayed };
}

async function change(ctx: BusyCtx, tx: Tx, request: EditRequest): Promise<Done> {
  const loaded = await loadScheduleForEdit<PlannedSchedule>(tx, toLoad(ctx, request, true));
  const edit = { ...request.toEdit(loaded), kind: request.kind };
  const plan = planOrRefuse(loaded, edit);
  const { schedule, cut_off } = await writePlan(ctx, tx, request, loaded, edit, plan);
  return {
    schedule,
    cut_off,
    guest_user_ids: loaded.schedule.guests.flatMap((guest) => (guest.user_id === null ? [] : [guest.user_id])),
    takes_place_anew: plan.occurrences_changed && edit.kind !== 'delete',
    calendar_id: schedule?.calendar_id ?? loaded.calendar_id,
  };
}

/** Of a change that leaves something. */
export async function changeSchedule(ctx: BusyCtx, request: EditRequest): Promise<Once<ChangedSchedule>> {
  const { result, replayed } = await editSchedule(ctx, request);
  if (!result) throw new Error('nothing is left of what was not deleted');
  return { result, replayed };
}

/** What the same change would do. Nothing is locked or written. Throws what `editSchedule` does, bookings of others aside. */
export async function previewEdit(ctx: BusyCtx, request: EditRequest): Promise<EditPreview> {
  const loaded = await fromDb(() => loadScheduleForEdit<PlannedSchedule>(ctx.db, toLoad(ctx, request, false)));
  const edit = { ...request.toEdit(loaded), kind: request.kind };
  const plan = planOrRefuse(loaded, edit);
  // For what they refuse.
  plan.schedules.forEach((write) => toRow(write, loaded, false));
  if (request.to_calendar_id !== undefined) bookingsOf(lastOf(plan, loaded), loaded);
  return previewPlan(loaded.schedule, plan, edit.recurrence_id, ctx.clock());
}

const toLoad = ({ actor: { user_id } }: BusyCtx, request: EditRequest, locks: boolean) => ({
  user_id,
  schedule_id: request.schedule_id,
  version: request.version ?? null,
  expected_version: request.expected_version ?? null,
  to_calendar_id: request.to_calendar_id ?? null,
  locks,
});

async function writePlan(ctx: BusyCtx, tx: Tx, request: EditRequest, loaded: Loaded, edit: Edit, plan: Plan) {
  const { user_id } = ctx.actor;
  const { schedule_id, to_calendar_id } = request;
  const { request_id } = ctx;
  const { version, calendar_id } = loaded;
  const moves = to_calendar_id !== undefined && to_calendar_id !== calendar_id;
  const who = { user_id, schedule_id, request_id };
  const action = `schedule.${edit.kind}`;
  const writes = plan.schedules.map((write) => toRow(write, loaded, moves));
  const applied =
    writes.length === 0
      ? { schedule: moves ? null : await getSchedule(tx, who), cut_off: null }
      : await applySchedulePlan(tx, { ...who, version, writes, edit: { ...edit, action } });
  if (!moves) return applied;
  const bookings = bookingsOf(lastOf(plan, loaded), loaded);
  return { ...applied, schedule: await moveScheduleToCalendar(tx, { ...who, to_calendar_id, bookings }) };
}

/** The schedule as the plan leaves it. */
function lastOf(plan: Plan, { schedule }: Loaded): PlannedSchedule {
  const write = plan.schedules.find(({ id }) => id === schedule.id);
  return write?.op === 'update' ? { ...schedule, ...write.fields, overrides: write.overrides } : schedule;
}

function planOrRefuse({ schedule }: Loaded, edit: Edit): Plan {
  try {
    return planEdit(schedule, edit, { new_id: newId });
  } catch (error) {
    if (!(error instanceof PlanRefused)) throw ruleRefused(error) ?? error;
    const { kind, code, message, pointer } = error;
    throw new AppError(kind, code, message, pointer === null ? {} : { errors: [{ pointer, message }] });
  }
}

/**
 * What Postgres is told to write: the plan, with what follows from it, and without what stays as it is. What moves to another
 * calendar books nothing in this one any more.
 */
function toRow(write: ScheduleWrite, loaded: Loaded, moves: boolean): object {
  if (write.op === 'delete') return write;
  checkLimits(write);
  const series = { ...write.fields, overrides: write.overrides };
  const row = { ...write, ...boundsOf(series) };
  if (write.op === 'create') return { ...row, bookings: bookingsOf(series, loaded) };
  const kept = (['overrides', 'responses', 'reminders'] as const).filter((list) =>
    isDeepStrictEqual(write[list], loaded.schedule[list]),
  );
  const books = write.occurrences_changed || !kept.includes('overrides') || changesBusy(write.changed);
  return {
    ...Object.fromEntries(Object.entries(row).filter(([key]) => !kept.some((list) => list === key))),
    ...((books || moves) && { bookings: moves ? [] : bookingsOf(series, loaded) }),
  };
}

const changesBusy = (changed: readonly string[]): boolean =>
  changed.includes('status') || changed.includes('transparency');

function checkLimits({ overrides, fields }: Exclude<ScheduleWrite, { op: 'delete' }>): void {
  const refuse = (what: string, max: number): AppError =>
    new AppError(
      'invalid',
      'schedule.too_many_exceptions',
      `A series has at most ${max} ${what}: cut it by scope=following`,
    );
  if (overrides.length > MAX_OVERRIDES) throw refuse('occurrences of their own', MAX_OVERRIDES);
  if (overrides.length > 50 && JSON.stringify(overrides).length > MAX_OVERRIDES_TEXT)
    throw refuse('characters of text in occurrences of their own', MAX_OVERRIDES_TEXT);
  if (fields.rdates.length > MAX_RDATES) throw refuse('dates beside its rule', MAX_RDATES);
}
