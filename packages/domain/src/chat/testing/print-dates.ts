import cases from './date-cases.json' with { type: 'json' };
import { findDates } from '../rules/dates.ts';

/** Prints the dates of each case: `TZ=Asia/Jakarta node …/testing/print-dates.ts`. The zone of the process plays no part. */
const at = { at: '2026-11-21T03:00:00Z', time_zone: 'Asia/Jakarta', language: 'und' } as const;
console.log(`process zone: ${new Date(0).getTimezoneOffset()} minutes`);
for (const [text] of cases) console.log(JSON.stringify(findDates(String(text), at)));
