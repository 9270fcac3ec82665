import type { Order, Target, Wanted } from './command-types.ts';
import { isKindAlone, meansAll, searchWords, tidy } from './command-words.ts';
import { reminder, sayReminder } from './command-remind.ts';
import { minutesOf } from './clock-words.ts';
import { scanShift } from './durations.ts';
import { resolveWhen } from './resolve-when.ts';
import { ask, type Language } from './say-when.ts';
import { clockAt, type CommandAt, dayText, readWhen, type When } from './when.ts';

const CANCEL: readonly [RegExp, Language][] = [
  [/^(?:cancel|call\s+off|scrap|delete|remove|drop)\s+(?<what>.+)$/iu, 'en'],
  [/^(?:batal(?:kan|in)|hapus(?:kan)?|cancel(?:kan|in)?)\s+(?<what>.+)$/iu, 'id'],
];
/** What is cancelled is not in a calendar: these are of other orders, or of none. */
const ELSEWHERE =
  /\b(?:list|canvas|board|page|todo|task|note|block|memory|memories|account|subscription|order|message|chat|conversation|topic|context|daftar|kanvas|halaman|catatan|tugas|ingatan|akun|langganan|pesanan|pesan|obrolan|topik)\b/iu;
const POINTS = /^(?:it|that|this|them|itu|ini|yang\s+itu|yang\s+tadi)$/iu;

/** `cancel my dentist appointment`, `batalkan rapat besok`. Null: none. */
export function readCancel(text: string, at: CommandAt): [Order, Language] | null {
  for (const [re, language] of CANCEL) {
    const what = re.exec(text)?.groups?.['what'];
    if (what === undefined || ELSEWHERE.test(what)) continue;
    if (POINTS.test(tidy(what))) return [{ verb: 'ask', question: ask('which_schedule', language) }, language];
    const when = readWhen(what, at);
    const words = searchWords(tidy(when.rest));
    if (
      /^(?:everything|anything|semuanya|apa\s+pun)$/iu.test(words) ||
      (words === '' && when.date === null && when.from === null)
    )
      return [{ verb: 'ask', question: ask('which_schedule', language) }, language];
    return [{ verb: 'cancel', wanted: wanted(what, when, at) }, language];
  }
  return null;
}

/** What is looked for in the calendar, and how much of a series is meant. */
function wanted(what: string, when: When, at: CommandAt): Wanted {
  const rest = tidy(when.rest);
  const is_timed = when.date !== null || when.from !== null;
  // `my 3pm meeting` is found by its time: it may be called anything.
  const words = searchWords(rest);
  const is_searched = words !== '' && !(is_timed && isKindAlone(rest));
  const is_all = meansAll(what);
  return {
    words,
    scope: is_all ? 'all' : when.date !== null ? 'this' : null,
    minute: when.from ? minutesOf({ ...when.from, part: when.from.part ?? when.part }, false).at : null,
    find: {
      name: 'find_schedules',
      arguments: { ...(is_searched && { query: words.slice(0, 200) }), ...windowOf(when, at) },
    },
  };
}

/** The days that a text speaks of, for a tool: from the first to the one after the last. */
export function windowOf(when: When, { now, time_zone }: CommandAt): { from?: string; to?: string } {
  if (when.date === null) return {};
  const { today } = clockAt({ now, time_zone });
  const last = when.until ?? when.date;
  return { from: dayText(Math.min(when.date.from, Math.max(today, when.date.to))), to: dayText(last.to + 1) };
}

const MOVE: readonly [RegExp, Language][] = [
  [
    /^(?:move|reschedule|shift|push(?:\s+back)?|postpone|delay|bring\s+forward|change\s+(?:the\s+time\s+of\s+)?)\s+(?<what>.+?)\s+(?:to|until|till|for|onto|into)\s+(?<to>.+)$/iu,
    'en',
  ],
  [/^(?:move|reschedule|shift|push(?:\s+back)?|postpone|delay|bring\s+forward)\s+(?<what>.+)$/iu, 'en'],
  [
    /^(?:pindah(?:kan|in)?|geser(?:kan)?|undur(?:kan)?|mundur(?:kan|in)|maju(?:kan|in)|tunda(?:kan)?|ubah|ganti|jadwal(?:kan)?\s+ulang)\s+(?:jadwal\s+|jam\s+|waktu\s+)?(?<what>.+?)\s+(?:ke|jadi|menjadi|sampai|hingga)\s+(?<to>.+)$/iu,
    'id',
  ],
  [
    /^(?:pindah(?:kan|in)?|geser(?:kan)?|undur(?:kan)?|mundur(?:kan|in)|maju(?:kan|in)|tunda(?:kan)?|jadwal(?:kan)?\s+ulang)\s+(?<what>.+)$/iu,
    'id',
  ],
];
const EARLIER = /^(?:bring\s+forward|maju(?:kan|in))|\b(?:earlier|forward|lebih\s+awal)\b/iu;

/** `move the standup to 10`, `undur rapat 30 menit`. Null: none. */
export function readMove(text: string, at: CommandAt): [Order, Language] | null {
  for (const [re, language] of MOVE) {
    const groups = re.exec(text)?.groups;
    if (!groups || ELSEWHERE.test(groups['what'] ?? '')) continue;
    const { what = '', to } = groups;
    if (to !== undefined) {
      const target = targetOf(to, at);
      if (target === null) continue;
      return [named(what, target, at, language), language];
    }
    const shift = scanShift(what.replace(/\s+(?:earlier|later|lebih\s+awal)$/iu, ''));
    if (shift === null) return [named(what, null, at, language), language];
    const minutes = shift.minutes * (EARLIER.test(text) ? -1 : 1);
    const rest = `${what.slice(0, shift.start)} ${what.slice(shift.end)}`.replace(
      /\b(?:earlier|later|forward|back|lebih\s+awal)\b/giu,
      ' ',
    );
    return [named(rest, { kind: 'by', minutes }, at, language), language];
  }
  return null;
}

function named(what: string, target: Target | null, at: CommandAt, language: Language): Order {
  // A day before "to" says which one it is: `move Friday's call to Monday`.
  const when = readWhen(what.replace(/\bfrom\s+(?=\S+\s*$)/iu, ''), at);
  if (POINTS.test(tidy(what)) || (tidy(when.rest) === '' && when.date === null && when.from === null))
    return { verb: 'ask', question: ask('which_schedule', language) };
  if (target === null) return { verb: 'ask', question: ask('new_time', language) };
  return { verb: 'move', wanted: wanted(what, when, at), target };
}

function targetOf(to: string, at: CommandAt): Target | null {
  const calendar = /^(?:my|the|our|kalender)?\s*(?<name>.+?)\s*(?:calendar)?$/iu.exec(to)?.groups?.['name'];
  if (/\bcalendar$|^kalender\b/iu.test(to))
    return calendar === undefined ? null : { kind: 'calendar', name: tidy(calendar) };
  // `to 10`: a bare number is a time here.
  const when = readWhen(to.replace(/^(?:jam\s+|pukul\s+|at\s+)?(?=\d{1,2}(?:[:.]\d\d)?(?:\s|$))/iu, 'jam '), at);
  if (tidy(when.rest) !== '' || when.recurrence) return null;
  if (when.offset !== null) {
    const settled = resolveWhen(when, at, true);
    return typeof settled === 'string' ? null : exactly(settled.starts_local);
  }
  if (when.date?.exact === null || (when.date === null && when.from === null)) return null;
  const part = when.part;
  const from = when.from && { ...when.from, part: when.from.part ?? part };
  return { kind: 'to', day: when.date?.exact ?? null, from, to: when.to };
}

function exactly(local: string): Target {
  const day = Math.floor(Date.parse(`${local}Z`) / 86_400_000);
  const clock = { hour: Number(local.slice(11, 13)), minute: Number(local.slice(14, 16)), meridiem: null, part: null };
  return { kind: 'to', day, from: { ...clock, is_literal: true }, to: null };
}

const SNOOZE: readonly [RegExp, Language][] = [
  [/^snooze(?:\s+(?:it|that|this))?(?<rest>\b.*)$/iu, 'en'],
  [/^(?:ingatkan|ingetin)\s+(?:(?:aku|saya)\s+)?lagi(?<rest>\b.*)$/iu, 'id'],
  [/^tunda\s+(?:alarm|pengingat)(?:nya)?(?<rest>\b.*)$/iu, 'id'],
];
/** Minutes, when nothing is said. */
const SNOOZED = 10;
/** How far back what was reminded of is looked for. */
const DAY = 86_400_000;

/** `snooze for 10 minutes`, `ingatkan lagi 10 menit lagi`. What is named is reminded of; else what was due last is looked for. */
export function readSnooze(text: string, at: CommandAt): [Order, Language] | null {
  for (const [re, language] of SNOOZE) {
    const rest = re.exec(text)?.groups?.['rest'];
    if (rest === undefined) continue;
    const said = readWhen(rest, at);
    const shift = said.offset ?? said.length ?? (said.from || said.date ? null : (scanShift(rest)?.minutes ?? SNOOZED));
    const title = tidy(
      searchWords(readWhen(rest.replace(/\d+\s*(?:m|min|minutes?|menit|jam|hours?)\b\s*$/iu, ' '), at).rest),
    );
    const settled = resolveWhen(shift === null ? said : { ...said, offset: shift, recurrence: null }, at, false);
    if (typeof settled === 'string') return [{ verb: 'ask', question: ask(settled, language) }, language];
    if (title !== '' && !/^lagi$/iu.test(title)) {
      const understood = sayReminder(title, settled, at, language);
      return [{ verb: 'call', calls: [reminder(title, settled)], understood }, language];
    }
    const { local_ms } = clockAt(at);
    const from = new Date(local_ms - DAY / 2).toISOString().slice(0, 19);
    const to = new Date((Math.floor(local_ms / 60_000) + 1) * 60_000).toISOString().slice(0, 19);
    const find = { name: 'find_schedules' as const, arguments: { from, to, limit: 50 } };
    return [{ verb: 'snooze', find, settled, understood: sayReminder('…', settled, at, language) }, language];
  }
  return null;
}
