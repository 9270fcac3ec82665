import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import type { BusyCtx } from './busy-cache.ts';
import { editSchedule, type EditRequest, previewEdit } from './edit-schedule.ts';
import { deleteScheduleInput, type EditPreview } from './schedule-schemas.ts';

/**
 * Deletes a schedule: the occurrence that is named (the rule leaves it out), that and those after it (the rule ends before), or
 * all. With `dry_run` it changes nothing and says what would go. Throws what `editSchedule` does.
 */
export async function deleteSchedule(
  ctx: BusyCtx,
  input: z.input<typeof deleteScheduleInput>,
): Promise<EditPreview | null> {
  const {
    schedule_id,
    expected_version,
    scope,
    recurrence_id = null,
    dry_run,
  } = parseInput(deleteScheduleInput, input);
  const toEdit: EditRequest['toEdit'] = () => ({ scope, recurrence_id, patch: {} });
  const request: EditRequest = { kind: 'delete', schedule_id, expected_version, toEdit, input };
  if (dry_run) return previewEdit(ctx, request);
  await editSchedule(ctx, request);
  return null;
}
