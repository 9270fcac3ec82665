import { type GuestRow, loadAnswer, respondToSchedule as writeAnswer } from '@potentia/db/calendar/guest-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { respondToScheduleInput, type AnsweredSchedule } from './guest-schemas.ts';
import { nameOccurrence } from './name-occurrence.ts';
import { isFirst } from './rules/split-series.ts';
import { answerLocally, type LocalAnswer } from './rules/responses.ts';

/**
 * One's own answer as a guest: to all occurrences (where answers to single ones end), to one, or to one and those after it. The
 * series itself stays as it is. The organiser is told. With `dry_run` nothing is written. Throws `schedule.not_found`,
 * `schedule.forbidden` (who reads it but is no guest), `schedule.occurrence_not_found`, `guest.responses_full`.
 */
export async function respondToSchedule(
  ctx: UserCtx,
  input: z.input<typeof respondToScheduleInput>,
): Promise<AnsweredSchedule> {
  const { schedule_id, scope, recurrence_id, dry_run, response, comment } = parseInput(respondToScheduleInput, input);
  const of = { user_id: ctx.actor.user_id, schedule_id };
  const toAnswer = (series: Parameters<typeof nameOccurrence>[0]): LocalAnswer => {
    const named = nameOccurrence(series, recurrence_id);
    const is_all = named === null || (scope === 'following' && isFirst(series, named));
    return is_all ? { scope: 'all', recurrence_id: null, response } : { scope, recurrence_id: named, response };
  };
  if (dry_run) {
    const { series, guest } = await fromDb(() => loadAnswer(ctx.db, { ...of, locks: false }));
    const { responses, lost, ...answered } = answerLocally(guest, guest.responses, toAnswer(series));
    const said = comment === undefined ? {} : { comment: comment === '' ? null : comment };
    return present({ ...guest, ...answered, ...said, responses }, lost, true);
  }
  const written = await fromDb(() =>
    withContext(ctx.db, { user_id: of.user_id }, async (tx) => {
      const { series, guest: before } = await loadAnswer(tx, { ...of, locks: true });
      const answer = toAnswer(series);
      const { lost } = answerLocally(before, before.responses, answer);
      const { request_id } = ctx;
      const guest = await writeAnswer(tx, { ...of, ...answer, comment: comment ?? null, request_id });
      return { guest, lost };
    }),
  );
  publishOutboxHint(ctx);
  return present(written.guest, written.lost, false);
}

const present = (guest: GuestRow, responses: GuestRow['responses'], dry_run: boolean): AnsweredSchedule => ({
  guest,
  dry_run,
  lost: { responses },
});
