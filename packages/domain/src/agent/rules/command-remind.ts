import type { ToolDraft, Order } from './command-types.ts';
import { tidy } from './command-words.ts';
import { resolveWhen, type Settled } from './resolve-when.ts';
import { ask, type Language, saySettled } from './say-when.ts';
import { type CommandAt, readWhen, type When } from './when.ts';

/** An order to remind, and where what it is about begins. What stands before may only be a time. */
const REMIND: readonly [RegExp, Language][] = [
  [
    /\b(?:remind\s+me(?:\s+again)?|(?:set|create|add|make)\s+(?:me\s+)?(?:up\s+)?an?\s+(?:new\s+)?(?:reminder|alarm)(?:\s+for\s+me)?|i\s+need\s+a\s+reminder|give\s+me\s+a\s+reminder|(?:don['’]?t|do\s+not)\s+let\s+me\s+forget|(?:alert|notify|ping|nudge)\s+me|remember\s+(?=to\s))\b/iu,
    'en',
  ],
  [/\b(?<task>wake\s+me(?:\s+up)?)\b/iu, 'en'],
  [/^(?:new\s+)?reminder\s*[:–-]/iu, 'en'],
  [
    /\b(?:ingat(?:kan|in)|inget(?:in|kan))(?:\s+(?:lagi\s+)?(?:aku|saya|gue|gua|gw|ku|kami)\b|lah\b)?(?:\s+lagi\b)?|\bingatkanku\b|\b(?:pasang|buat|bikin|tambah|atur|set(?:el)?)(?:kan|in)?\s+(?:alarm|pengingat|reminder)\b|\bjangan\s+(?:sampai\s+)?(?:(?:aku|saya)\s+)?lupa(?:kan)?\b(?!\s+(?:bahwa|kalau))|\bingat\s+(?=untuk\s)/iu,
    'id',
  ],
  [/\b(?<task>bangunkan\s+(?:aku|saya)|bangunin\s+(?:aku|gue))\b/iu, 'id'],
  [/^pengingat\s*[:–-]/iu, 'id'],
];

/** What leads to the task, at its beginning. */
const LEADS =
  /^(?:(?:again|lagi|me|to|that|about|of|for|called|named|saying|titled|i\s+(?:have|need|must|should|want)\s+to|(?:ingat|inget)(?:kan|in)(?:\s+(?:aku|saya))?|untuk|buat|agar|supaya|tentang|soal|mengenai|kalau|bahwa|ya|dong|aku|saya|harus)\b[\s,:]*|[,:–-]\s*)+/iu;
const UNREAD =
  /^(?:me\s+)?(?:on|in|by|after|before|during|when|whenever|once|if|as\s+soon\s+as|pada|saat|ketika|setelah|sesudah|sebelum|begitu|jika)\s/iu;
/** Nobody is reminded of what they ask about. */
const ASKED =
  /^(?:did|do|does|have|has|had|why|when|who|what|how|which|are|is|was|were|apa(?:kah)?|kenapa|kapan|siapa)\b/iu;

/** An order to remind: `remind me every weekday at 8 to stretch`, `ingatkan aku besok jam 9 rapat`. Null: none. */
export function readRemind(text: string, at: CommandAt): [Order, Language] | null {
  if (ASKED.test(text)) return null;
  for (const [re, language] of REMIND) {
    const match = re.exec(text);
    if (!match) continue;
    const before = readWhen(text.slice(0, match.index), at);
    // `She said: remind me …` orders nothing.
    if (tidy(before.rest) !== '') continue;
    const said = `${text.slice(0, match.index)} \u0002 ${text.slice(match.index + match[0].length)}`;
    return [remind(said, match.groups?.['task'] ?? null, at, language), language];
  }
  return null;
}

function remind(said: string, named: string | null, at: CommandAt, language: Language): Order {
  const when = readWhen(said, at);
  const title = titleFrom(when) || (named ?? '');
  if (title === '') return { verb: 'ask', question: ask('what', language) };
  // `on election day`, `when I get home`: a time, but none that is known here.
  if (
    UNREAD.test(when.rest.replaceAll('\u0002', ' ').trim()) &&
    when.date === null &&
    when.recurrence === null &&
    when.offset === null
  )
    return { verb: 'ask', question: ask(when.from === null ? 'when' : 'day', language) };
  const settled = resolveWhen({ ...when, rest: `${named ?? ''} ${when.rest}` }, at, false);
  if (typeof settled === 'string') return { verb: 'ask', question: ask(settled, language) };
  return { verb: 'call', calls: [reminder(title, settled)], understood: sayReminder(title, settled, at, language) };
}

export const reminder = (title: string, { starts_local, rrule }: Settled): ToolDraft => ({
  name: 'set_reminder',
  arguments: { title, at: starts_local, ...(rrule !== null && { rrule }) },
});

export function sayReminder(title: string, settled: Settled, { time_zone }: CommandAt, language: Language): string {
  const when = saySettled({ ...settled, ends_local: null, duration_minutes: null }, time_zone, language);
  return language === 'en' ? `a reminder of “${title}”: ${when}` : `pengingat “${title}”: ${when}`;
}

/** What is left of an order is what it is about. */
export function titleFrom({ rest }: When): string {
  let title = tidy(rest.replaceAll('\u0002', ' '));
  for (let before = ''; before !== title;) {
    before = title;
    title = tidy(title.replace(LEADS, ''));
  }
  return title.slice(0, 500);
}
