import { IcsRefused } from './ics-times.ts';
import { normaliseRule, refuseRule, type RuleStart } from './rule.ts';

/** The rule of a file as we store it, without what programs add of their own. Throws IcsRefused for a rule that the API refuses as well. */
export function readRule(text: string, start: RuleStart): string {
  const rrule = text
    .slice(0, 1_000)
    .split(';')
    .filter((part) => part !== '' && !/^X-/i.test(part))
    .join(';');
  const refusal = refuseRule(rrule, start);
  if (refusal) throw new IcsRefused(refusal.code, `Its rule is refused: ${refusal.message}`);
  return normaliseRule(rrule, start);
}
