import { IcsRefused } from './ics-times.ts';
import { printUntil, readUntil, type UntilFrame } from './rule-parts.ts';
import { normaliseRule, refuseRule } from './rule.ts';
import type { LocalTime } from './series.ts';

/**
 * The rule of a file as we store it. UNTIL counts by what it means: programs write a date for a series with times, or a local time where
 * UTC is due (RFC 5545 3.3.10). Throws IcsRefused for a rule that the API refuses as well.
 */
export function readRule(text: string, series: UntilFrame & { starts_local: LocalTime }): string {
  const rrule = text
    .slice(0, 1_000)
    .toUpperCase()
    .split(';')
    .filter((part) => part !== '' && !part.startsWith('X-'))
    .map((part) => (part.startsWith('UNTIL=') ? `UNTIL=${untilOf(part.slice('UNTIL='.length).trim(), series)}` : part))
    .join(';');
  const refusal = refuseRule(rrule, series);
  if (refusal) throw new IcsRefused(refusal.code, `Its rule is refused: ${refusal.message}`);
  return normaliseRule(rrule, series);
}

const untilOf = (until: string, frame: UntilFrame): string =>
  /^\d{8}(T\d{6}Z?)?$/.test(until) ? printUntil(readUntil(until, frame), frame) : until;
