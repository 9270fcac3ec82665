import { titleFrom } from './command-remind.ts';
import type { Order, ToolDraft } from './command-types.ts';
import { tidy } from './command-words.ts';
import { resolveWhen, type Settled } from './resolve-when.ts';
import { ask, type Language, saySettled } from './say-when.ts';
import { PART_TIMES } from './clock-words.ts';
import { type CommandAt, localOf, readWhen, type When } from './when.ts';

const EVENT = 'event|appointment|meeting|calendar\\s+entry|entry|call|session';
const KIND = 'acara|jadwal|agenda|rapat|meeting|janji(?:\\s+temu)?|pertemuan|kegiatan|event';

interface Form {
  re: RegExp;
  language: Language;
  /** Only an order with a day or time in it: `plan the week` is none. */
  needs_time?: boolean;
}

const FORMS: readonly Form[] = [
  {
    re: /^(?:add|put|insert|enter|save|note)\s+(?<what>.+?)\s+(?:to|on|in|into)\s+(?:my|the|our)\s+(?:(?<calendar>[\p{L}\d]+)\s+)?(?:calendar|schedule|agenda)\b(?<more>.*)$/iu,
    language: 'en',
  },
  {
    re: /^(?:add|put)\s+(?:to|on|in)\s+(?:my|the|our)\s+(?:calendar|schedule|agenda)\s*[:,]?\s*(?<what>.+)$/iu,
    language: 'en',
  },
  {
    re: new RegExp(
      `^(?:create|add|make|book|set\\s+up|arrange|organi[sz]e|plan|schedule)\\s+(?:me\\s+)?(?:an?\\s+|the\\s+|my\\s+)?(?:new\\s+)?(?:event|appointment|calendar\\s+entry|entry)\\b\\s*(?:called|named|titled|for|about|:)?\\s*(?<what>.+)$`,
      'iu',
    ),
    language: 'en',
  },
  {
    re: new RegExp(
      `^(?:create|add|make|book|set\\s+up|arrange|organi[sz]e|new)\\s+(?:me\\s+)?(?:an?\\s+|the\\s+|my\\s+)?(?:new\\s+)?(?<what>(?:[\\p{L}-]+\\s+){0,2}(?:${EVENT}|lunch|dinner|breakfast|brunch|coffee|date|stand-?up|review|interview|workshop|party|workout|visit|check-?up)\\b.*)$`,
      'iu',
    ),
    language: 'en',
    needs_time: true,
  },
  { re: /^schedule\s+(?!for\b)(?:me\s+(?:for\s+)?)?(?:an?\s+|the\s+|my\s+|some\s+)?(?<what>.+)$/iu, language: 'en' },
  {
    re: /^(?:plan|book|pencil\s+in|block(?:\s+(?:out|off))?)\s+(?:an?\s+|the\s+|my\s+|some\s+)?(?<what>.+)$/iu,
    language: 'en',
    needs_time: true,
  },
  { re: /^new\s+event\s*[:,-]?\s*(?<what>.+)$/iu, language: 'en' },
  {
    re: /^(?:masuk(?:kan|in)|tambah(?:kan|in)?|taruh|catat|simpan|input)\s+(?<what>.+?)\s+(?:ke|di|dalam|pada)\s+(?:dalam\s+)?(?:kalender|jadwal|agenda)(?:ku|\s+saya|\s+aku)?\b(?<more>.*)$/iu,
    language: 'id',
  },
  { re: /^(?:jadwal|agenda)(?:kan|in)\s+(?<what>.+)$/iu, language: 'id' },
  {
    re: new RegExp(
      `^(?:buat|bikin|tambah|atur|set)(?:kan|in)?\\s+(?:acara|jadwal|agenda|kegiatan|event)\\s+(?:baru\\s+)?(?:untuk\\s+|dengan\\s+nama\\s+|:\\s*)?(?<what>.+)$`,
      'iu',
    ),
    language: 'id',
  },
  {
    re: new RegExp(`^(?:buat|bikin|tambah|atur|set)(?:kan|in)?\\s+(?<what>(?:${KIND})\\b.*)$`, 'iu'),
    language: 'id',
    needs_time: true,
  },
  { re: /^rencanakan\s+(?<what>.+)$/iu, language: 'id', needs_time: true },
];

/** An order to put something into a calendar: `schedule lunch with Budi next Friday 12-13`, `jadwalkan …`. Null: none. */
export function readSchedule(text: string, at: CommandAt): [Order, Language] | null {
  for (const { re, language, needs_time } of FORMS) {
    const groups = re.exec(text)?.groups;
    if (!groups) continue;
    const said = `${groups['what'] ?? ''} ${groups['more'] ?? ''}`;
    const when = readWhen(said, at);
    const has_time = when.date !== null || when.from !== null || when.recurrence !== null || when.offset !== null;
    if (needs_time && !has_time) continue;
    return [schedule(when, groups['calendar'] ?? null, at, language), language];
  }
  return null;
}

const AT_PLACE = /(?:^|\s+)(?:@\s*|at\s+(?=\p{Lu}|the\s)|di\s+(?=\p{L}))(?<place>[\p{L}\d][\p{L}\p{N}\s.'’&-]{1,60})$/u;
const GUEST = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gu;

function schedule(when: When, calendar: string | null, at: CommandAt, language: Language): Order {
  const guests = [...new Set(when.rest.match(GUEST) ?? [])];
  const rest = when.rest
    .replace(GUEST, ' ')
    .replace(/\b(?:(?:and\s+)?invite|with|dengan|undang)\s*(?:,|and|dan|\s)*$/iu, ' ');
  const place = AT_PLACE.exec(rest)?.groups?.['place'];
  const title = titleFrom({ ...when, rest: place === undefined ? rest : rest.replace(AT_PLACE, ' ') });
  if (title === '') return { verb: 'ask', question: ask('what', language) };
  const settled = stretchOf(when) ?? resolveWhen(when, at, true);
  if (typeof settled === 'string') return { verb: 'ask', question: ask(settled, language) };
  const { starts_local, ends_local, duration_minutes, rrule } = settled;
  const call: ToolDraft = {
    name: 'create_schedule',
    arguments: {
      title,
      starts_local,
      ...(ends_local !== null && { ends_local }),
      ...(duration_minutes !== null && { duration_minutes }),
      ...(rrule !== null && { rrule }),
      ...(place !== undefined && { location: tidy(place) }),
      ...(calendar !== null && { calendar }),
      ...(when.lead !== null && { reminder_minutes_before: when.lead }),
      ...(guests.length > 0 && { guests }),
    },
  };
  const said = saySettled(settled, at.time_zone, language);
  return { verb: 'call', calls: [call], understood: `“${title}”: ${said}` };
}

/** `block Friday afternoon for writing`: the part of the day is how long it takes. */
function stretchOf(when: When): Settled | null {
  const { date, part } = when;
  if (!date || date.exact === null || part === null || when.from || when.recurrence || when.length !== null)
    return null;
  if (!/\bfor\b|\buntuk\b/iu.test(when.rest)) return null;
  const { from, to } = PART_TIMES[part];
  const starts_local = localOf(date.exact, from);
  const base = { duration_minutes: null, rrule: null, recurrence: null, is_all_day: false };
  return { ...base, starts_local, ends_local: localOf(date.exact, to) };
}
