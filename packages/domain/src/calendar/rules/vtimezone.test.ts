import ICAL from 'ical.js';
import { expect, test } from 'vitest';
import { vtimezone } from './vtimezone.ts';
import { toLocal } from './zones.ts';

const NOW = Date.UTC(2026, 0, 1);

test.each([
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Jakarta',
  'Africa/Casablanca',
  'America/Sao_Paulo',
])('%s as an independent reader understands it is what its clocks do', (zone) => {
  const component = vtimezone(zone, NOW);
  const printed = ICAL.stringify(component as never);
  const timezone = new ICAL.Timezone(new ICAL.Component(ICAL.parse(printed) as never));
  // Noon of every third day, away from the changes themselves.
  for (let at = Date.UTC(1972, 0, 1, 12); at < Date.UTC(2034, 0, 1); at += 3 * 86_400_000) {
    const local = toLocal(at, zone);
    const offset = timezone.utcOffset(ICAL.Time.fromDateTimeString(new Date(local).toISOString().slice(0, 19)));
    expect(offset * 1_000, new Date(at).toISOString()).toBe(local - at);
  }
});

test('what is regular is a rule, and what goes on has no end', () => {
  const printed = ICAL.stringify(vtimezone('Europe/Berlin', NOW) as never);
  expect(printed).toContain('RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU');
  expect(ICAL.stringify(vtimezone('America/New_York', NOW) as never)).toContain(
    'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU',
  );
  expect(vtimezone('UTC', NOW)).toBeNull();
});
