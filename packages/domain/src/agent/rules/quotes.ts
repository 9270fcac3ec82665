import { analyse } from '../../chat/rules/analyse.ts';
import { findDates } from '../../chat/rules/dates.ts';
import { shorten } from '../../chat/rules/title.ts';
import { DAY_MS } from '../../calendar/rules/civil.ts';
import { printLocal, toLocal } from '../../calendar/rules/zones.ts';
import type { PackedItem, Prompt } from '../prompt.ts';
import { type Language, sayDay, sayLocal } from './say-when.ts';

/** Quotes of one answer, and characters of each. */
const MAX_QUOTES = 5;
const MAX_TEXT = 500;
/** Characters of a text that are compared. */
const MAX_READ = 2_000;
/** Of facts and memories, so that there is room for what was said. */
const MAX_KNOWN = 2;

const say = (language: Language, en: string, id: string): string => (language === 'en' ? en : id);

/**
 * What answers where there is no model: the closest things that were said or written, word for word, each with its date, where it is
 * from, and its number. Nothing is phrased, concluded or summed up.
 */
export function quoteAnswer(prompt: Prompt, language: Language): string {
  const none = say(language, 'No language model is set up.', 'Tidak ada model bahasa yang terpasang.');
  const quotes = closest(prompt).map((item) => quoteOf(item, prompt, language));
  if (quotes.length > 0) {
    const head = say(
      language,
      'The closest things you told me:',
      'Yang paling mendekati dari yang pernah Anda sampaikan:',
    );
    return [`${none} ${head}`, ...quotes].join('\n\n');
  }
  return `${none} ${say(
    language,
    'Nothing that I was told is close to this. I do take orders, such as “remind me tomorrow at 9 to call Ana”, “what is on my calendar today” or “remember that …”.',
    'Tidak ada yang pernah disampaikan yang mendekati ini. Saya bisa menjalankan perintah, misalnya “ingatkan aku besok jam 9 rapat”, “apa jadwalku hari ini” atau “ingat bahwa …”.',
  )}`;
}

const ASKS_WHEN =
  /\b(?:when|what\s+(?:date|day|time|year|month)|which\s+(?:date|day|year|month|week)|how\s+long\s+ago|since\s+when|kapan|tanggal\s+berapa|hari\s+apa|jam\s+berapa|tahun\s+berapa|bulan\s+apa)\b/iu;

/** The best of everything that was found, what was said first; of a question for a time, what names one. */
export function closest(prompt: Prompt): PackedItem[] {
  const { message, time_zone, now } = prompt;
  const wanted = new Set(analyse(message.slice(0, MAX_READ)).stems);
  const overlap = ({ text }: PackedItem): number =>
    new Set(analyse(text.slice(0, MAX_READ)).stems.filter((stem) => wanted.has(stem))).size;
  const isUsable = (item: PackedItem): boolean =>
    item.citation !== null &&
    item.origin !== 'assistant' &&
    item.text.trim() !== '' &&
    item.text.trim() !== message.trim();
  const known = [...prompt.memories, ...prompt.preferences]
    .filter((item) => isUsable(item) && overlap(item) > 0)
    .sort((a, b) => overlap(b) - overlap(a))
    .slice(0, MAX_KNOWN);
  const days = findDates(message, { at: now, time_zone, language: 'und' });
  const inDays = (item: PackedItem): number =>
    days.some(({ from, to }) => item.at !== null && isWithin(localDay(item.at, time_zone), from, to)) ? 1 : 0;
  const dated = ASKS_WHEN.test(message);
  const hasDate = (item: PackedItem): number =>
    dated && findDates(item.text, { at: item.at ?? now, time_zone, language: 'und' }).length > 0 ? 1 : 0;
  // What asks tells nothing.
  const asks = ({ text }: PackedItem): number => (text.trim().endsWith('?') ? 1 : 0);
  const said = stable(
    prompt.history.filter(isUsable),
    (a, b) => inDays(b) - inDays(a) || hasDate(b) - hasDate(a) || asks(a) - asks(b),
  );
  const rest = [...prompt.blocks, ...prompt.schedule].filter((item) => isUsable(item) && overlap(item) > 0);
  const written = rest.sort((a, b) => overlap(b) - overlap(a));
  return [...known, ...said.slice(0, MAX_QUOTES - known.length - Math.min(1, written.length)), ...written, ...said]
    .filter((item, at, all) => all.indexOf(item) === at)
    .slice(0, MAX_QUOTES);
}

/** `Array.sort` keeps the order of equals. */
const stable = <T>(items: readonly T[], compare: (a: T, b: T) => number): T[] => [...items].sort(compare);

const isWithin = (day: string, from: string, to: string): boolean => day >= from && day <= to;
const localDay = (at: string, time_zone: string): string =>
  printLocal(Math.floor(toLocal(Date.parse(at), time_zone) / DAY_MS) * DAY_MS, true);

/** A number in brackets within a quote must not be read as a citation of this answer. */
const plain = (text: string): string =>
  text
    .replace(/\s+/gu, ' ')
    .trim()
    .replace(/\[(\d[\d\s,;]*)\]/gu, '($1)');

function quoteOf(item: PackedItem, { time_zone, now }: Prompt, language: Language): string {
  const { text, at, citation } = item;
  const day =
    at === null
      ? ''
      : item.kind === 'schedule'
        ? localTime(at, time_zone, language)
        : sayDay(localDay(at, time_zone), language);
  const meant = datesOf(text, at ?? now, time_zone, language);
  const source = [day, sourceOf(item, language)].filter((part) => part !== '').join(', ');
  return `> “${shorten(plain(text), MAX_TEXT)}”${meant}\n— ${source} [${citation ?? ''}]`;
}

const localTime = (at: string, time_zone: string, language: Language): string =>
  sayLocal(printLocal(toLocal(Date.parse(at), time_zone), false), language);

function sourceOf({ kind, origin }: PackedItem, language: Language): string {
  switch (kind) {
    case 'block':
      return say(language, 'a canvas', 'kanvas');
    case 'schedule':
      return say(language, 'your calendar', 'kalender Anda');
    case 'memory':
    case 'preference':
      return say(language, 'remembered of you', 'yang diingat tentang Anda');
    default:
      return origin === 'other' ? say(language, 'imported', 'diimpor') : say(language, 'you said', 'kata Anda');
  }
}

const SHOWN_DATES = 3;
/** What names its own day needs no other words. */
const ABSOLUTE = /\b(?:19|20)\d\d\b/u;

/** What relative dates in a quote meant when it was said. */
function datesOf(text: string, at: string, time_zone: string, language: Language): string {
  const found = findDates(text, { at, time_zone, language: 'und' }).filter((mention) => !ABSOLUTE.test(mention.text));
  const parts = found.slice(0, SHOWN_DATES).map(({ text: said, from, to }) => {
    const days = from === to ? sayDay(from, language) : `${sayDay(from, language)} – ${sayDay(to, language)}`;
    return `${plain(said)} = ${days}`;
  });
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`;
}
