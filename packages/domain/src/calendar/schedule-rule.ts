import { AppError } from '../platform/errors.ts';
import { BudgetExceeded, expandSeries, seriesBounds } from './rules/expand.ts';
import { printInstant } from './rules/print-times.ts';
import { normaliseRule, refuseRule } from './rules/rule.ts';
import { WRITE_BUDGET } from './rules/scan-output.ts';
import type { Series } from './rules/series.ts';
import { parseLocal } from './rules/zones.ts';

/** `schedule.rule_refused`, with the reason. */
const refused = (message: string, meta: object = {}): AppError =>
  new AppError('invalid', 'schedule.rule_refused', message, { ...meta, errors: [{ pointer: '/rrule', message }] });

/** What planning or expanding throws of a rule that is too much work, as a refusal; null: it is something else. */
export const ruleRefused = (error: unknown): AppError | null =>
  error instanceof BudgetExceeded ? refused('The rule takes too long to work out: make it simpler, or shorter') : null;

/** A rule as it is stored, for a series that begins as this one does. Throws `schedule.rule_refused`. */
export function normaliseRuleOf(text: string, series: Series): string {
  const refusal = refuseRule(text, series);
  if (refusal) throw refused(refusal.message, { reason: refusal.code });
  return normaliseRule(text, series);
}

const ALWAYS = { from: parseLocal('1899-01-01T00:00:00'), to: parseLocal('2103-01-01T00:00:00') };

/** A new series with its rule normalised. Throws `schedule.rule_refused`, `schedule.no_occurrence`. */
export function normaliseFor(series: Series): Series {
  const { rrule, exdates } = series;
  const normalised = rrule === null ? series : { ...series, rrule: normaliseRuleOf(rrule, series) };
  if (exdates.length === 0) return normalised;
  if (guarded(() => expandSeries(normalised, ALWAYS, { limit: 1 })).length > 0) return normalised;
  const message = 'Every occurrence is left out: nothing would remain';
  throw new AppError('invalid', 'schedule.no_occurrence', message, { errors: [{ pointer: '/exdates', message }] });
}

/** When a series begins and ends, as `schedules` stores it. Throws `schedule.rule_refused`. */
export function boundsOf(series: Series): { first_at: string; last_at: string | null } {
  const { first_at, last_at } = guarded(() => seriesBounds(series, WRITE_BUDGET));
  return { first_at: printInstant(first_at), last_at: last_at === null ? null : printInstant(last_at) };
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw ruleRefused(error) ?? error;
  }
}
