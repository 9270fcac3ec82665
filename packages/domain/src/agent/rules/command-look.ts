import { PART_TIMES } from './clock-words.ts';
import { windowOf } from './command-change.ts';
import type { Order, ToolDraft } from './command-types.ts';
import { searchWords, tidy } from './command-words.ts';
import { minutesOf } from './clock-words.ts';
import { ask, type Language, sayDay, sayLocal, sayTime } from './say-when.ts';
import { clockAt, type CommandAt, dayText, localOf, readWhen, type When } from './when.ts';

const CALENDAR = 'calendar|schedule|agenda|diary|plate';
const THINGS = 'events?|appointments?|meetings?|reminders?|plans?';

/** Questions about the calendar. What stands beside the time must be nothing else. */
const LIST: readonly [RegExp, Language][] = [
  [
    new RegExp(
      `^what(?:['’]s|\\s+is|\\s+do\\s+i\\s+have|\\s+have\\s+i\\s+got)\\s+(?:there\\s+)?(?:coming\\s+up\\s+)?(?:on\\s+)?(?:my|the|our)\\s+(?:${CALENDAR})\\b(?:\\s+(?:look|looking)\\s+like)?(?<rest>.*)$`,
      'iu',
    ),
    'en',
  ],
  [
    new RegExp(
      `^(?:what|which)\\s+(?:(?:${THINGS})\\s+)?do\\s+(?:i|we)\\s+have(?:\\s+(?:on|planned|scheduled|going\\s+on|coming\\s+up|to\\s+do))?\\b(?<rest>.*)$`,
      'iu',
    ),
    'en',
  ],
  [
    /^what(?:['’]s|\s+is)\s+(?:happening|planned|scheduled|coming\s+up|next|on)(?:\s+(?:for\s+me|on\s+my\s+(?:calendar|schedule|agenda)))?\b(?<rest>.*)$/iu,
    'en',
  ],
  [/^what\s+(?:does|will)\s+my\s+(?:day|week|month|schedule|calendar|agenda)\s+look\s+like\b(?<rest>.*)$/iu, 'en'],
  [
    new RegExp(
      `^(?:show|list|give|tell|read|check)(?:\\s+me)?\\s+(?:all\\s+)?(?:of\\s+)?(?:my|the|our)\\s+(?:upcoming\\s+)?(?:${CALENDAR}|${THINGS})\\b(?<rest>.*)$`,
      'iu',
    ),
    'en',
  ],
  [new RegExp(`^my\\s+(?:${CALENDAR}|${THINGS})\\b(?<rest>.*)$`, 'iu'), 'en'],
  [
    new RegExp(
      `^(?:do|have)\\s+i\\s+(?:have|got)\\s+(?:anything|something|any\\s+(?:${THINGS})|an?\\s+(?:${THINGS}))(?:\\s+(?:on|planned|scheduled|else))?\\b(?<rest>.*)$`,
      'iu',
    ),
    'en',
  ],
  [/^(?:is\s+there\s+)?anything\s+(?:on|planned|scheduled)(?:\s+my\s+calendar)?\b(?<rest>.*)$/iu, 'en'],
  [
    /^(?:apa\s+(?:saja\s+)?|lihat(?:kan)?\s+|tampilkan\s+|cek\s+|tunjukkan\s+|bagaimana\s+|gimana\s+)(?:yang\s+ada\s+(?:di|dalam)\s+)?(?:jadwal|agenda|kalender|acara)(?:ku|\s+saya|\s+aku|\s+gue)?\b(?<rest>.*)$/iu,
    'id',
  ],
  [
    /^(?:jadwal|agenda|kalender|acara)(?:ku|\s+saya|\s+aku|\s+gue)?\b(?<rest>.*?)(?:\s+(?:apa|ada\s+apa|apa\s+saja|gimana))?\s*\??$/iu,
    'id',
  ],
  [
    /^(?:apa(?:kah)?\s+)?(?:(?:aku|saya|gue)\s+)?(?:ada|punya)\s+(?:acara|jadwal|agenda|rapat|janji|kegiatan|apa)(?:\s+apa)?(?:\s+(?:aja|saja))?\b(?<rest>.*)$/iu,
    'id',
  ],
  [
    /^(?<rest>.+?)\s+(?:aku\s+|saya\s+)?ada\s+(?:acara\s+|jadwal\s+|rapat\s+|agenda\s+)?apa(?:\s+(?:aja|saja))?\s*\??$/iu,
    'id',
  ],
];

const FREE: readonly [RegExp, Language][] = [
  [/^(?:am|are)\s+(?:i|we)\s+(?:free|available|busy|booked|open)\b(?<rest>.*)$/iu, 'en'],
  [/^do\s+(?:i|we)\s+have\s+(?:any\s+)?(?:free\s+)?time\b(?<rest>.*)$/iu, 'en'],
  [/^[Ii]s\s+(?<who>\p{Lu}[\p{L}.'’-]*(?:\s+\p{Lu}[\p{L}.'’-]*)?)\s+(?:free|available|busy)\b(?<rest>.*)$/u, 'en'],
  [
    /^(?:apa(?:kah)?\s+)?(?:aku|saya|gue)\s+(?:lagi\s+)?(?:kosong|senggang|free|luang|sibuk|ada\s+waktu|bisa)\b(?<rest>.*)$/iu,
    'id',
  ],
  [
    /^(?<rest>.+?)\s+(?:aku|saya|gue)\s+(?:lagi\s+)?(?:kosong|senggang|free|luang|sibuk|ada\s+waktu)(?:\s+(?:nggak|gak|ga|tidak|kah|enggak))?\s*\??$/iu,
    'id',
  ],
  [/^[Aa]pa(?:kah)?\s+(?<who>\p{Lu}[\p{L}.'’-]*)\s+(?:kosong|senggang|free|luang|sibuk)\b(?<rest>.*)$/u, 'id'],
];

const SLOTS: readonly [RegExp, Language][] = [
  [
    /^(?:find|look\s+for|suggest|get)\s+(?:me\s+|us\s+)?(?:an?\s+|some\s+)?(?<rest>.*\b(?:slot|time|gap|opening|hour|minutes)\b.*)$/iu,
    'en',
  ],
  [/^when\s+(?:am|are)\s+(?:i|we)\s+(?:next\s+)?(?:free|available)\b(?<rest>.*)$/iu, 'en'],
  [/^(?:cari(?:kan)?|temukan)\s+(?:waktu|slot|jam)\s*(?:kosong|luang|senggang)?\b(?<rest>.*)$/iu, 'id'],
  [/^kapan\s+(?:aku|saya|gue)\s+(?:kosong|senggang|luang|free|ada\s+waktu)\b(?<rest>.*)$/iu, 'id'],
];

const WHEN_IS: readonly [RegExp, Language][] = [
  [
    /^(?:when|what\s+time)(?:['’]s|\s+is|\s+are)\s+(?:my|the|our)\s+(?:next\s+)?(?<what>.*\b(?:appointments?|meetings?|events?|calls?|stand-?ups?|dentist|doctor|lunch|dinner|interview|flight|class|lesson|reminder|session|review)\b.*)$/iu,
    'en',
  ],
  [
    /^(?:kapan|jam\s+berapa)\s+(?<what>(?:rapat|janji|acara|jadwal|pertemuan|meeting|pengingat|kelas|wawancara)\b.*)$/iu,
    'id',
  ],
];

const NOTHING_BUT_TIME =
  /^(?:for|on|at|in|this|the|during|look|like|untuk|pada|di|hari|saya|aku|nggak|gak|ga|tidak|ya|apa|saja|a|an|any|some|free|open|to|me|with|my|else|next|is|slot|meeting|call|appointment|session|rapat|time|gap|opening|waktu|ini|of|from|now|then|up|coming|minutes?|hours?|between|yang)$/iu;
const onlyTime = (when: When): boolean =>
  tidy(when.rest)
    .split(/[\s,?]+/u)
    .every((word) => word === '' || NOTHING_BUT_TIME.test(word));

/** What somebody wants to know of their calendar. Null: nothing. */
export function readLook(text: string, at: CommandAt): [Order, Language] | null {
  return readSlots(text, at) ?? readFree(text, at) ?? readList(text, at) ?? readWhenIs(text, at);
}

function readList(text: string, at: CommandAt): [Order, Language] | null {
  for (const [re, language] of LIST) {
    const rest = re.exec(text)?.groups?.['rest'];
    if (rest === undefined) continue;
    const when = readWhen(rest.replace(/\?+$/u, ''), at);
    if (!onlyTime(when) || when.recurrence) continue;
    const days = when.date ?? daysOf(text, at);
    const window = days ? windowOf({ ...when, date: days }, at) : {};
    return [
      {
        verb: 'call',
        calls: [{ name: 'find_schedules', arguments: partOf(when, window) }],
        understood: sayWindow(window, language),
      },
      language,
    ];
  }
  return null;
}

/** `what does my week look like`. */
function daysOf(text: string, at: CommandAt): When['date'] {
  const unit = /\bmy\s+(day|week|month)\b/iu.exec(text)?.[1]?.toLowerCase();
  return unit === undefined ? null : readWhen(unit === 'day' ? 'today' : `this ${unit}`, at).date;
}

/** A part of one day is its hours. */
function partOf(when: When, window: { from?: string; to?: string }): Record<string, unknown> {
  const day = when.date?.exact;
  if (day === null || day === undefined) return window;
  if (when.from) {
    const start = minutesOf({ ...when.from, part: when.from.part ?? when.part }, false).at;
    const end = when.to ? minutesOf({ ...when.to, part: when.to.part ?? when.part }, false).at : start + 60;
    return { from: localOf(day, start), to: localOf(day, end > start ? end : end + 720) };
  }
  if (when.part === null) return window;
  return { from: localOf(day, PART_TIMES[when.part].from), to: localOf(day, PART_TIMES[when.part].to) };
}

function sayWindow({ from, to }: { from?: string; to?: string }, language: Language): string | null {
  if (from === undefined || to === undefined) return null;
  const last = dayText(Math.floor(Date.parse(to) / 86_400_000) - 1);
  return from === last ? sayDay(from, language) : `${sayDay(from, language)} – ${sayDay(last, language)}`;
}

const saySpan = (from: string, to: string, language: Language): string =>
  (from.length === 10 && sayWindow({ from, to }, language)) ||
  `${sayLocal(from, language)}–${from.slice(0, 10) === to.slice(0, 10) ? sayTime(to, language) : sayLocal(to, language)}`;

function readFree(text: string, at: CommandAt): [Order, Language] | null {
  for (const [re, language] of FREE) {
    const groups = re.exec(text)?.groups;
    if (!groups) continue;
    const when = readWhen((groups['rest'] ?? '').replace(/\?+$/u, ''), at);
    if (!onlyTime(when)) continue;
    if (when.date === null && when.from === null) return [{ verb: 'ask', question: ask('when', language) }, language];
    const { today } = clockAt(at);
    const exact = { ...when, date: when.date ?? readWhen('today', at).date };
    const { from = dayText(today), to = dayText(today + 1) } = partOf(exact, windowOf(exact, at)) as {
      from?: string;
      to?: string;
    };
    const who = groups['who'];
    const call: ToolDraft = {
      name: 'read_free_busy',
      arguments: { from, to, ...(who !== undefined && { people: [who] }) },
    };
    return [{ verb: 'call', calls: [call], understood: saySpan(from, to, language) }, language];
  }
  return null;
}

const DEFAULT_SLOT = 60;
const SLOT_DAYS = 14;

function readSlots(text: string, at: CommandAt): [Order, Language] | null {
  for (const [re, language] of SLOTS) {
    const rest = re.exec(text)?.groups?.['rest'];
    if (rest === undefined) continue;
    const people = [...rest.matchAll(/\b(?:with|and|dengan|dan|sama)\s+(\p{Lu}[\p{L}.'’-]*)/gu)].map(
      ([, name = '']) => name,
    );
    const bare = rest.replace(/\b(?:with|and|dengan|dan|sama)\s+\p{Lu}[\p{L}.'’-]*/gu, ' ').replace(/\?+$/u, '');
    const length =
      /(?<n>\d{1,3})[\s-]*(?<unit>min(?:ute)?s?|menit|hours?|hrs?|jam)\b|(?<half>half\s+an\s+hour|setengah\s+jam)|(?<one>an\s+hour|hour|sejam|satu\s+jam)\b/iu.exec(
        bare,
      );
    const when = readWhen(length ? bare.replace(length[0], ' ') : bare, at);
    if (!onlyTime(when)) continue;
    const { n, unit = '', half } = length?.groups ?? {};
    const minutes =
      n !== undefined ? Number(n) * (/^(?:h|jam)/iu.test(unit) ? 60 : 1) : half !== undefined ? 30 : DEFAULT_SLOT;
    const { today } = clockAt(at);
    const { from = dayText(today), to = dayText(today + SLOT_DAYS) } = windowOf(when, at);
    const part = when.part === null ? null : PART_TIMES[when.part];
    // Who names a day means it, whichever day it is.
    const weekend =
      when.date !== null && (when.date.to - when.date.from <= 1 || /weekend|akhir\s+(?:pekan|minggu)/iu.test(rest));
    const call: ToolDraft = {
      name: 'find_slots',
      arguments: {
        duration_minutes: minutes,
        from,
        to,
        ...(people.length > 0 && { people }),
        ...(part && {
          day_starts: localOf(0, part.from).slice(11, 16),
          day_ends: localOf(0, Math.min(part.to, 1_439)).slice(11, 16),
        }),
        ...(weekend && { includes_weekends: true }),
      },
    };
    return [{ verb: 'call', calls: [call], understood: sayWindow({ from, to }, language) }, language];
  }
  return null;
}

function readWhenIs(text: string, at: CommandAt): [Order, Language] | null {
  for (const [re, language] of WHEN_IS) {
    const what = re.exec(text)?.groups?.['what'];
    if (what === undefined) continue;
    const when = readWhen(what.replace(/\?+$/u, ''), at);
    const query = searchWords(tidy(when.rest).replace(/(?:ku|nya|\s+saya|\s+aku)$/iu, ''));
    const find: ToolDraft = {
      name: 'find_schedules',
      arguments: { ...(query !== '' && { query }), ...windowOf(when, at) },
    };
    return [{ verb: 'call', calls: [find], understood: null }, language];
  }
  return null;
}
