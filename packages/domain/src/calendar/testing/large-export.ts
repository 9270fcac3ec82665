/** A small generator of numbers that are the same in every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Jakarta', 'Australia/Sydney', 'Europe/London'];
const RULES = [
  'FREQ=DAILY;COUNT=120',
  'FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20270101T000000Z',
  'FREQ=WEEKLY;INTERVAL=2',
  'FREQ=MONTHLY;BYDAY=2TU',
  'FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=30',
  'FREQ=YEARLY',
];

const pad = (value: number): string => String(value).padStart(2, '0');

/** The weekday in 2026 on which a rule can begin. */
const START_DAY: Record<string, number> = {
  'FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20270101T000000Z': 2,
  'FREQ=MONTHLY;BYDAY=2TU': 13,
  'FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=30': 31,
};

/**
 * An export such as big calendars give: `events` events in five zones, a third of them series; of those some have an EXDATE, some an
 * occurrence that was moved, some one that was cancelled. All occurrences named are ones of their rules.
 */
export function largeExport(events: number, seed = 1): string {
  const random = numbers(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Example//Export//EN', 'X-WR-CALNAME:Everything'];
  for (let at = 0; at < events; at++) {
    const zone = pick(ZONES);
    const rule = random() < 1 / 3 ? pick(RULES) : null;
    const day = rule ? (START_DAY[rule] ?? 5) : 1 + Math.floor(random() * 28);
    const month = rule ? 1 : 1 + Math.floor(random() * 12);
    const time = `T${pad(7 + Math.floor(random() * 11))}${pick(['00', '15', '30', '45'])}00`;
    const date = `2026${pad(month)}${pad(day)}`;
    const start = `;TZID=${zone}:${date}${time}`;
    const uid = `UID:event-${seed}-${at}@export.example.com`;
    const common = ['DTSTAMP:20260101T000000Z', uid, `DURATION:PT${pick([15, 30, 45, 60, 90])}M`];
    lines.push('BEGIN:VEVENT', ...common, `DTSTART${start}`, `SUMMARY:Event ${at}`);
    if (rule) lines.push(`RRULE:${rule}`);
    const daily = rule?.startsWith('FREQ=DAILY') === true;
    if (daily) lines.push(`EXDATE;TZID=${zone}:20260110${time}`);
    lines.push('END:VEVENT');
    if (!daily) continue;
    const override = (recurrence: string, ...rest: string[]) =>
      lines.push('BEGIN:VEVENT', ...common, `RECURRENCE-ID;TZID=${zone}:${recurrence}${time}`, ...rest, 'END:VEVENT');
    override('20260215', `DTSTART;TZID=${zone}:20260216T060000`, `SUMMARY:Event ${at}, moved`);
    override('20260220', `DTSTART;TZID=${zone}:20260220${time}`, 'STATUS:CANCELLED', `SUMMARY:Event ${at}`);
  }
  lines.push('END:VCALENDAR', '');
  return lines.join('\r\n');
}
