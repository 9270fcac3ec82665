import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { BudgetExceeded, countStarting, lastOccurrence, nextOccurrences, previousOccurrence } from './rules/expand.ts';
import { printInstant } from './rules/print-times.ts';
import { normaliseRule, refuseRule } from './rules/rule.ts';
import { explainRule } from './rules/rule-text.ts';
import { ALL_TIME } from './rules/series-starts.ts';
import type { Occurrence, Series } from './rules/series.ts';
import { parseLocal, printLocal, toLocal } from './rules/zones.ts';
import { type CheckedOccurrence, type CheckedRule, checkRuleBody, MAX_NEXT } from './rule-schemas.ts';
import { readNewTimes } from './schedule-times.ts';

/**
 * What a rule would do in a schedule that begins so, or why it is refused. Reads and writes nothing. Throws `request.invalid` for a
 * body that is none.
 */
export function checkRule(input: z.input<typeof checkRuleBody>): CheckedRule {
  const body = parseInput(checkRuleBody, input);
  const is_all_day = body.is_all_day ?? !body.starts_local.includes('T');
  const series = readNewTimes(
    { ...body, duration_seconds: body.duration_seconds ?? (is_all_day ? undefined : 0) },
    'UTC',
  );
  const refusal = refuseRule(body.rrule, series);
  if (refusal) return { ok: false, code: refusal.code, reason: refusal.message, pointer: '/rrule' };
  const rrule = normaliseRule(body.rrule, series);
  const from = body.from === undefined ? ALL_TIME.from : Date.parse(body.from);
  try {
    return describeSeries({ ...series, rrule }, rrule, from);
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    return {
      ok: false,
      code: 'rule.too_complex',
      reason: 'It takes too long to find its occurrences',
      pointer: '/rrule',
    };
  }
}

function describeSeries(series: Series, rrule: string, from: number): CheckedRule {
  const next = nextOccurrences(series, from - 1, MAX_NEXT);
  const last = lastOccurrence(series);
  if (next.length === 0 && last === null) {
    const reason = 'Every occurrence is left out: nothing would remain';
    return { ok: false, code: 'schedule.no_occurrence', reason, pointer: '/exdates' };
  }
  const [first] = next;
  const before = first ? previousOccurrence(series, first.starts_at) : null;
  return {
    ok: true,
    rrule,
    text: explainRule(rrule, series),
    next: next.map((occurrence, at) => describe(series, occurrence, next[at - 1] ?? before)),
    remaining: rrule.includes('COUNT=') ? countStarting(series, from) : null,
    last: last && describe(series, last, previousOccurrence(series, last.starts_at)),
  };
}

function describe(series: Series, occurrence: Occurrence, before: Occurrence | null): CheckedOccurrence {
  const { recurrence_id, starts_at, ends_at } = occurrence;
  const { time_zone } = series;
  if (time_zone === null) {
    const none = { starts_at: null, ends_at: null, offset: null, is_in_gap: false, is_dst_shifted: false };
    return { recurrence_id, starts_local: recurrence_id, ...none };
  }
  const local = toLocal(starts_at, time_zone);
  const offset = local - starts_at;
  const is_in_gap = local !== parseLocal(recurrence_id);
  const offset_before = before ? toLocal(before.starts_at, time_zone) - before.starts_at : offset;
  return {
    recurrence_id,
    starts_local: printLocal(local, false),
    starts_at: printInstant(starts_at),
    ends_at: printInstant(ends_at),
    offset: printOffset(offset),
    is_in_gap,
    is_dst_shifted: is_in_gap || offset !== offset_before,
  };
}

/** `+05:30`; of years in which zones had odd seconds, with them. */
function printOffset(ms: number): string {
  const time = printLocal(Math.abs(ms), false).slice(11);
  return (ms < 0 ? '-' : '+') + (time.endsWith(':00') ? time.slice(0, 5) : time);
}
