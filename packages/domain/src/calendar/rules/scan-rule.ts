import { DAY_MS } from './civil.ts';
import { DaySets, daysPerPeriod } from './day-sets.ts';
import { Output, type Scan, spend } from './scan-output.ts';
import { collectDays, periodsOf } from './periods.ts';
import { HOURLY, type RuleFields } from './rule-fields.ts';
import { scanTimes } from './scan-times.ts';
import { pickPositions, timesOfDay } from './time-sets.ts';

/** Is handed the wall clock of each occurrence, in order; false ends the scan. */
export type Emit = (local: number) => boolean;

/**
 * Walks the periods of a rule (RFC 5545 3.3.10) from the one that `start` is in and hands out its occurrences from `start` on, in
 * order, by the wall clock alone, as many as COUNT says; UNTIL is the caller's. Periods are whole from their beginning on, so that
 * BYSETPOS and INTERVAL count rightly in the first. A start that the rule does not have is no occurrence (RFC 5545 leaves it open).
 * Throws BudgetExceeded.
 */
export function scanRule(scan: Scan, emit: Emit): void {
  const output = new Output(scan, emit);
  if (scan.rule.freq >= HOURLY) scanTimes(scan, output);
  else scanDays(scan, output);
}

function scanDays({ rule, start, from, to, budget }: Scan, output: Output): void {
  const first_day = Math.floor(start / DAY_MS);
  const sets = new DaySets(rule, first_day);
  const periods = periodsOf(rule, first_day);
  const times = timesOfDay(rule, start - first_day * DAY_MS);
  const positions = rule.bysetpos;
  const from_day = Math.floor(from / DAY_MS);
  const target = from > start ? periods.indexOf(from_day) : 0;
  const each = rule.count === null ? null : occurrencesPerPeriod(rule, first_day, times.length);
  const days: number[] = [];
  let at = rule.count === null ? Math.max(target, 0) : 0;
  while (true) {
    const began = periods.first(at);
    if (began * DAY_MS >= to) return;
    const size = collectDays(rule.freq, sets, began, days);
    spend(budget, 1);
    if (size === 0) {
      at = periods.after(at, sets);
      continue;
    }
    const picked = positions.length > 0 ? pickPositions(positions, size * times.length) : null;
    if (at > 0 && (days[size - 1] as number) < from_day) {
      // Wholly before what is wanted: counted, not made.
      if (!output.skip(picked ? picked.length : size * times.length)) return;
    } else {
      spend(budget, picked ? picked.length : size * times.length);
      if (!(picked ? putPicked(output, days, times, picked) : putAll(output, days, size, times))) return;
    }
    at++;
    if (each !== null && at < target) {
      if (!output.skip(each * (target - at))) return;
      at = target;
    }
  }
}

function putAll(output: Output, days: number[], size: number, times: readonly number[]): boolean {
  for (let d = 0; d < size; d++) {
    const day = (days[d] as number) * DAY_MS;
    for (let t = 0; t < times.length; t++) if (!output.put(day + (times[t] as number))) return false;
  }
  return true;
}

function putPicked(output: Output, days: number[], times: readonly number[], picked: readonly number[]): boolean {
  for (const at of picked) {
    const day = days[Math.floor(at / times.length)] as number;
    if (!output.put(day * DAY_MS + (times[at % times.length] as number))) return false;
  }
  return true;
}

/** How many occurrences each period has, if it is the same for all after the first; null: it depends. */
function occurrencesPerPeriod(rule: RuleFields, first_day: number, times: number): number | null {
  const days = daysPerPeriod(rule, first_day);
  if (days === null) return null;
  return rule.bysetpos.length > 0 ? pickPositions(rule.bysetpos, days * times).length : days * times;
}
