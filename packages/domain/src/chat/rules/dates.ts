import { DAY_MS } from '../../calendar/rules/civil.ts';
import { printLocal, toLocal } from '../../calendar/rules/zones.ts';
import { scanDates } from './date-scan.ts';
import type { DateRef, Lean } from './date-spans.ts';

/** What a date in a text meant when it was said. `from` and `to` are local dates: the first and the last day, both included. */
export interface Mention {
  text: string;
  from: string;
  to: string;
}

export interface DatesAt {
  /** ISO 8601: when it was said. */
  at: string;
  /** IANA: of the person. */
  time_zone: string;
  language: 'en' | 'id' | 'und';
}

/** One message speaks of no more dates than these. */
const MAX_MENTIONS = 20;

/** Zones in whose countries 3/4 is the fourth of March. */
const MONTH_FIRST = /^(?:America|US)\/|^Pacific\/Honolulu$/u;
const DAY_FIRST = /^America\/(?:Sao_Paulo|Argentina|Bogota|Lima|Santiago|Mexico_City|Buenos_Aires|Caracas|Montevideo)/u;

/** What an instant is to whoever reads dates: the day of the person's zone. Throws RangeError for no zone. */
export function refOf(at_ms: number, { time_zone, language }: Omit<DatesAt, 'at'>): Omit<DateRef, 'leanAt'> {
  return {
    today: Math.floor(toLocal(at_ms, time_zone) / DAY_MS),
    is_month_first: language !== 'id' && MONTH_FIRST.test(time_zone) && !DAY_FIRST.test(time_zone),
  };
}

/**
 * The dates that a text speaks of, in their order, as they were meant when it was said; none of a text without any, or of a zone that
 * there is not. A week, month or year is its first and last day.
 */
export function findDates(text: string, { at, time_zone, language }: DatesAt): Mention[] {
  const at_ms = Date.parse(at);
  if (Number.isNaN(at_ms)) return [];
  const lean = leansOf(text);
  const spans = scanDates(text, { ...refOf(at_ms, { time_zone, language }), leanAt: lean });
  return spans.slice(0, MAX_MENTIONS).map(({ start, end, from, to }) => ({
    text: text.slice(start, end).trim(),
    from: printLocal(from * DAY_MS, true),
    to: printLocal(to * DAY_MS, true),
  }));
}

const PAST =
  /\b(?:was|were|did|didn['’]?t|had|went|saw|met|got|came|took|made|said|told|bought|ate|left|found|gave|felt|started|finished|ended|happened|visited|moved|been|[a-z]{3,}ed|tadi|sudah|udah|telah|barusan|waktu\s+itu|dulu|pernah|sempat)\b/iu;
const FUTURE =
  /\b(?:will|['’]ll|won['’]?t|shall|going\s+to|gonna|plan(?:s|ning)?(?:\s+to)?|want\s+to|need\s+to|have\s+to|let['’]?s|can\s+we|remind|schedule|due|upcoming|tomorrow|akan|nanti|besok|mau|ingin|pengen|harus|bakal|rencana(?:nya)?|jadwalkan|ingatkan|yuk|ayo)\b/iu;

/** Characters before and after a date that say of which time it is. */
const NEAR = 240;
const STOPS = ['.', '!', '?', '\n', ';'];

/** Whether a sentence speaks of what was or of what will be, by its words; per index of the text. */
function leansOf(text: string): (at: number) => Lean {
  return (at) => {
    const before = text.slice(Math.max(0, at - NEAR), at);
    const after = text.slice(at, at + NEAR);
    const end = after.search(/[.!?\n;](?:\s|$)/u);
    const sentence =
      before.slice(Math.max(...STOPS.map((stop) => before.lastIndexOf(stop))) + 1) +
      (end < 0 ? after : after.slice(0, end));
    if (FUTURE.test(sentence)) return 'future';
    return PAST.test(sentence) ? 'past' : 'near';
  };
}
