import { DAY_MS } from '../../calendar/rules/civil.ts';
import { printLocal, toLocal } from '../../calendar/rules/zones.ts';
import { scanDates } from '../../chat/rules/date-scan.ts';
import type { DateSpan } from '../../chat/rules/date-spans.ts';
import { refOf } from '../../chat/rules/dates.ts';
import type { DayPart } from '../../chat/rules/date-words.ts';
import type { Clock } from './clock-words.ts';
import { scanLead, scanLength, scanOffset } from './durations.ts';
import { type Recurrence, scanCount, scanRecurrence } from './recurrence-words.ts';
import { scanPart, scanTimes, TAKEN } from './times.ts';

export interface CommandAt {
  /** ISO 8601 UTC. */
  now: string;
  time_zone: string;
}

/** What a text says of a time, as it says it, and the text without it. */
export interface When {
  rest: string;
  date: DateSpan | null;
  /** The end of a range of dates: `from 5 May to 9 May`. */
  until: DateSpan | null;
  from: Clock | null;
  to: Clock | null;
  part: DayPart | null;
  recurrence: Recurrence | null;
  count: number | null;
  /** Minutes from now. */
  offset: number | null;
  length: number | null;
  /** Minutes before it to be reminded. */
  lead: number | null;
  is_all_day: boolean;
}

interface Taken {
  start: number;
  end: number;
}

const ALL_DAY = /\b(?:all[\s-]day|the\s+whole\s+day|sepanjang\s+hari|seharian|sehari\s+penuh)\b/iu;
const UNTIL = /\b(?:until|till|through|sampai(?:\s+dengan)?|hingga|s\/d)\s+(?:the\s+|tanggal\s+)?$/iu;
const TO = /(?:\b(?:to|until|till|through|sampai(?:\s+dengan)?|hingga|s\/d)|[-–—])\s*(?:the\s+|tanggal\s+)?$/iu;
const TASK = /\b(?:to|that|about|for|untuk|buat|agar|supaya|tentang|soal)\s/iu;

/** Reads what a text says of a time, in English and Indonesian. `now` is what "tomorrow" is counted from. */
export function readWhen(text: string, { now, time_zone }: CommandAt): When {
  const reader = new Reader(text);
  const all_day = ALL_DAY.exec(text);
  if (all_day) reader.take({ start: all_day.index, end: all_day.index + all_day[0].length });
  const recurrence = reader.takeFrom(scanRecurrence);
  const count = recurrence ? reader.takeFrom(scanCount) : null;
  const lead = reader.takeFrom(scanLead);
  const length = reader.takeFrom(scanLength);
  const offset = reader.takeFrom(scanOffset);
  const { date, until } = takeDates(reader, now, time_zone);
  const time = takeTime(reader);
  const part = time || date?.part || recurrence?.part || offset ? null : reader.takeFrom(scanPart);
  return {
    rest: reader.rest(),
    date,
    until,
    from: time?.from ?? null,
    to: time?.to ?? null,
    part: date?.part ?? recurrence?.part ?? part?.part ?? null,
    recurrence,
    count: count?.count ?? null,
    offset: offset?.minutes ?? null,
    length: length?.minutes ?? null,
    lead: lead?.minutes ?? null,
    is_all_day: all_day !== null,
  };
}

/** What the day and the wall clock are now, in the zone. */
export function clockAt({ now, time_zone }: CommandAt): { today: number; minute: number; local_ms: number } {
  const local_ms = toLocal(Date.parse(now), time_zone);
  const today = Math.floor(local_ms / DAY_MS);
  return { today, minute: Math.floor((local_ms - today * DAY_MS) / 60_000), local_ms };
}

/** `2026-03-01T09:00:00`: minutes of a day, which may lie beyond its end. */
export const localOf = (day: number, minutes: number): string => printLocal(day * DAY_MS + minutes * 60_000, false);
export const dayText = (day: number): string => printLocal(day * DAY_MS, true);

class Reader {
  private text: string;

  constructor(text: string) {
    this.text = text;
  }

  get masked(): string {
    return this.text;
  }

  take({ start, end }: Taken): void {
    this.text = this.text.slice(0, start) + TAKEN.repeat(end - start) + this.text.slice(end);
  }

  takeFrom<T extends Taken>(scan: (text: string) => T | null): T | null {
    const found = scan(this.text);
    if (found) this.take(found);
    return found;
  }

  /** What was not read, without the words that led to what was. */
  rest(): string {
    return this.text
      .replace(
        new RegExp(
          `(?:\\b(?:from|starting(?:\\s+from|\\s+on)?|beginning|mulai(?:\\s+dari)?|dari|at|on|by|for|until|till|to|between|pada|di|jam|pukul|hari|tanggal|sampai|hingga|around|sekitar|and|dan)\\s+|@\\s*|[,(-]\\s*)+(?=${TAKEN})`,
          'giu',
        ),
        ' ',
      )
      .replace(new RegExp(`${TAKEN}+(?:['’]s\\b)?(?:\\s+(?:wib|wita|wit))?`, 'giu'), ' ')
      .replace(/\s+/gu, ' ')
      .replace(/\s+([,.;:!?])/gu, '$1')
      .replace(/^[\s,.;:–—-]+|[\s,;:–—-]+$/gu, '')
      .trim();
  }
}

function takeDates(reader: Reader, now: string, time_zone: string): { date: DateSpan | null; until: DateSpan | null } {
  const ref = { ...refOf(Date.parse(now), { time_zone, language: 'und' }), leanAt: () => 'future' as const };
  const spans = scanDates(reader.masked, ref).filter(
    ({ start, end }) => !reader.masked.slice(start, end).includes(TAKEN),
  );
  const ends = spans.find((span) => UNTIL.test(reader.masked.slice(0, span.start)));
  const others = spans.filter((span) => span !== ends);
  const date = chosen(others, reader.masked);
  if (date) reader.take(date);
  // The second of two dates is the end of a range if nothing but the word for it lies between.
  const next = others.find(
    (span) => date && span.start >= date.end && TO.test(reader.masked.slice(date.end, span.start)),
  );
  const until = ends ?? next ?? null;
  if (until) reader.take(until);
  // Said twice: `on Friday, 5 May`.
  for (const span of others) if (span !== date && span.from === date?.from && span.to === date.to) reader.take(span);
  return { date, until };
}

/** Of several dates the one beside a time, else the one before the task, else the last: the others belong to what is to be done. */
function chosen(spans: readonly DateSpan[], text: string): DateSpan | null {
  if (spans.length < 2) return spans[0] ?? null;
  const times = scanTimes(text);
  const isBeside = (span: DateSpan): boolean =>
    times.some(
      (time) =>
        (span.end <= time.start && /^[\s,]*$/u.test(text.slice(span.end, time.start))) ||
        (time.end <= span.start && /^[\s,]*(?:on\s+)?$/iu.test(text.slice(time.end, span.start))),
    );
  const beside = spans.find(isBeside);
  if (beside) return beside;
  const task = TASK.exec(text)?.index ?? Infinity;
  return spans.find((span) => span.start < task) ?? spans.at(-1) ?? null;
}

function takeTime(reader: Reader): { from: Clock; to: Clock | null } | null {
  const [time] = scanTimes(reader.masked);
  if (!time) return null;
  reader.take(time);
  return time;
}
