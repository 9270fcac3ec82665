import cases from './rrule-cases.json' with { type: 'json' };
import { expandCase } from './rule-cases.ts';
import { explainRule } from '../rules/rule-text.ts';
import { normaliseRule, refuseRule } from '../rules/rule.ts';

/**
 * Prints what we find for each worked case, and its rule as it would be stored: `TZ=Asia/Jakarta node …/testing/print-cases.ts`.
 * The zone of the process plays no part.
 */
console.log(`process zone: ${new Date(0).getTimezoneOffset()} minutes`);
for (const each of cases) {
  const zone = each.tzid === 'floating' ? null : each.tzid;
  const start = { starts_local: each.dtstart, time_zone: zone, is_all_day: false };
  const stored = refuseRule(each.rrule, start)?.code ?? normaliseRule(each.rrule, start);
  const text = stored.startsWith('FREQ') ? explainRule(stored, start) : '';
  console.log(each.id, stored, text, expandCase(each).join(' '));
}
