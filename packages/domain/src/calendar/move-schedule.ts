import type { z } from 'zod';
import type { Once } from '../platform/idempotency.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import type { BusyCtx } from './busy-cache.ts';
import { changeSchedule, type EditRequest, type Loaded, previewEdit } from './edit-schedule.ts';
import type { Edit } from './rules/plan-types.ts';
import { type ChangedSchedule, type EditPreview, moveScheduleInput } from './schedule-schemas.ts';
import { checkForms } from './schedule-times.ts';

type Input = z.output<typeof moveScheduleInput>;

/**
 * Moves a schedule to another time or zone, the occurrence that is named, that and those after it, or all; and a whole one to
 * another calendar of its workspace, with its guests, answers, reminders and overrides. Exactly once per `Idempotency-Key`. With `dry_run` it changes nothing and says
 * what it would do. Throws what `editSchedule` does; of the other calendar `calendar.not_found`, `calendar.forbidden` (editors may),
 * `schedule.other_workspace`, `schedule.uid_taken`, `calendar.full`.
 */
export async function moveSchedule(
  ctx: BusyCtx,
  input: z.input<typeof moveScheduleInput>,
): Promise<Once<ChangedSchedule | EditPreview>> {
  const parsed = parseInput(moveScheduleInput, input);
  const { schedule_id, version, expected_version, dry_run, calendar_id: to_calendar_id, scope } = parsed;
  if (to_calendar_id !== undefined && scope !== undefined && scope !== 'all') {
    throw invalidField('/calendar_id', 'A schedule moves to another calendar as a whole: give scope=all');
  }
  const toEditNow = (loaded: Loaded) => toEdit(parsed, loaded);
  const ids = { schedule_id, version, expected_version, to_calendar_id };
  const request: EditRequest = { kind: 'move', ...ids, toEdit: toEditNow, input };
  if (dry_run) return { result: await previewEdit(ctx, request), replayed: false };
  return changeSchedule(ctx, request);
}

function toEdit(input: Input, { schedule }: Loaded): Omit<Edit, 'kind'> {
  const { scope = 'all', recurrence_id = null, starts_local, time_zone } = input;
  checkForms({ starts_local, time_zone }, schedule.is_all_day);
  return { scope, recurrence_id, patch: { starts_local, time_zone } };
}
