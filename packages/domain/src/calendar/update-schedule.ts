import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import type { BusyCtx } from './busy-cache.ts';
import { changeSchedule, type EditRequest, type Loaded, previewEdit } from './edit-schedule.ts';
import type { Edit, SchedulePatch } from './rules/plan-types.ts';
import { normaliseRuleOf } from './schedule-rule.ts';
import { type ChangedSchedule, type EditPreview, updateScheduleInput } from './schedule-schemas.ts';
import { checkForms, readDuration, startOf, unique } from './schedule-times.ts';

type Input = z.output<typeof updateScheduleInput>;

/**
 * Changes a schedule: the one occurrence that is named, that and those after it (which become a schedule of their own, `cut_off`),
 * or all. With `dry_run` it changes nothing and says what it would do. Throws what `editSchedule` does, `schedule.rule_refused`.
 */
export async function updateSchedule(
  ctx: BusyCtx,
  input: z.input<typeof updateScheduleInput>,
): Promise<ChangedSchedule | EditPreview> {
  const parsed = parseInput(updateScheduleInput, input);
  const { schedule_id, version, expected_version, dry_run } = parsed;
  const toEditNow = (loaded: Loaded) => toEdit(parsed, loaded);
  const request: EditRequest = { kind: 'update', schedule_id, version, expected_version, toEdit: toEditNow, input };
  return dry_run ? previewEdit(ctx, request) : (await changeSchedule(ctx, request)).result;
}

function toEdit(input: Input, loaded: Loaded): Omit<Edit, 'kind'> {
  const { scope = 'all', recurrence_id = null } = input;
  return { scope, recurrence_id, patch: toPatch(input, loaded) };
}

/** What the body says in the words of the rules: an end as a duration, a rule normalised. */
function toPatch(input: Input, { schedule, time_zone: calendar_zone }: Loaded): SchedulePatch {
  const { schedule_id: _id, scope: _scope, recurrence_id = null, dry_run: _dry, ...rest } = input;
  const { version: _version, expected_version: _expected, ends_local: _end, ...patch } = rest;
  const is_all_day = input.is_all_day ?? schedule.is_all_day;
  checkForms(input, is_all_day);
  const had_zone = schedule.is_all_day ? calendar_zone : schedule.time_zone;
  const time_zone = is_all_day ? null : input.time_zone === undefined ? had_zone : input.time_zone;
  const starts_local = input.starts_local ?? startOf(schedule, recurrence_id, is_all_day);
  const { rrule, rdates, exdates } = input;
  return {
    ...patch,
    time_zone: time_zone === schedule.time_zone ? undefined : time_zone,
    duration_seconds: readDuration(input, { starts_local, time_zone }, is_all_day),
    rrule: rrule && normaliseRuleOf(rrule, { ...schedule, is_all_day, time_zone, starts_local }),
    rdates: rdates && unique(rdates),
    exdates: exdates && unique(exdates),
  };
}
