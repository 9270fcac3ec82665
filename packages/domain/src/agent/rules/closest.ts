import { printLocal, toLocal } from '../../calendar/rules/zones.ts';
import { DAY_MS } from '../../calendar/rules/civil.ts';
import { findDates } from '../../chat/rules/dates.ts';
import { normaliseContent } from '../../chat/rules/normalise-content.ts';
import type { PackedItem, Prompt } from '../prompt.ts';
import { asksWhatWasAsked, asksWhatWasSaid, sharedTerms, type Telling, tellingOf, wantedTerms } from './quotable.ts';

/** Quotes of one answer. */
const MAX_QUOTES = 5;
/** Characters of a text that are compared. */
const MAX_READ = 2_000;
/** Of facts and memories, so that there is room for what was said. */
const MAX_KNOWN = 2;
/** What was asked is followed by its answer within so long. Milliseconds. */
const ANSWERED = 3_600_000;

const ASKS_WHEN =
  /\b(?:when|what\s+(?:date|day|time|year|month)|which\s+(?:date|day|year|month|week)|how\s+long\s+ago|since\s+when|kapan|tanggal\s+berapa|hari\s+apa|jam\s+berapa|tahun\s+berapa|bulan\s+apa)\b/iu;

/** An item, how many of the words that are looked for it has, and whether it is of the days that are asked for. */
interface Candidate {
  item: PackedItem;
  shared: number;
  is_in_days: boolean;
}

/**
 * The best of everything that was found, what was said first: what states something before what orders it; of a question for a time, what
 * names one. What has none of the words that are looked for is noise, unless it answers a question that has, or is of the days that are
 * asked for and no more was. What the person asked, here or earlier, tells them nothing.
 */
export function closest(prompt: Prompt): PackedItem[] {
  const { message, time_zone, now } = prompt;
  const days = findDates(message, { at: now, time_zone, language: 'und' });
  const wanted = wantedTerms(days.reduce((text, { text: day }) => text.replace(day, ' '), message.slice(0, MAX_READ)));
  const isInDays = ({ at }: PackedItem): boolean =>
    at !== null && days.some(({ from, to }) => isWithin(localDay(at, time_zone), from, to));
  const candidates = (items: readonly PackedItem[]): Candidate[] =>
    items
      .filter((item) => isUsable(item, message))
      .map((item) => ({
        item,
        shared: sharedTerms(wanted, item.text.slice(0, MAX_READ)),
        is_in_days: isInDays(item),
      }));

  const known = relevant(candidates([...prompt.memories, ...prompt.preferences]))
    .slice(0, MAX_KNOWN)
    .map(({ item }) => item);
  const said = saidOf(candidates(prompt.history), prompt).filter(
    ({ text }) => !known.some((each) => each.text.endsWith(text.trim())),
  );
  const written = relevant(candidates([...prompt.blocks, ...firstOfEach(prompt.schedule)])).map(({ item }) => item);
  // Who asks what they said asks for no calendar, unless they said nothing of it.
  const beside = asksWhatWasSaid(message) && known.length + said.length > 0 ? [] : written;
  return [...known, ...said.slice(0, MAX_QUOTES - known.length - Math.min(1, beside.length)), ...beside, ...said]
    .filter((item, index, all) => all.indexOf(item) === index)
    .slice(0, MAX_QUOTES);
}

const isUsable = ({ citation, origin, text }: PackedItem, message: string): boolean =>
  citation !== null && origin !== 'assistant' && text.trim() !== '' && text.trim() !== message.trim();

/** Those that have what is looked for, those with the most of it first. Where one has a lot of it, another's single word is chance. */
function relevant(all: readonly Candidate[]): Candidate[] {
  const best = Math.max(0, ...all.map(({ shared }) => shared));
  return all.filter(({ shared }) => shared > (best >= 3 ? 1 : 0)).toSorted((a, b) => b.shared - a.shared);
}

/** Of what was said, what tells something, each thing once. */
function saidOf(all: readonly Candidate[], prompt: Prompt): PackedItem[] {
  const { message, now, time_zone } = prompt;
  const close = new Set(relevant(all));
  const questions = [...close].filter(({ item }) => item.text.includes('?'));
  const found = all.filter(
    (each) => close.has(each) || questions.some((question) => isAfter(each.item, question.item)),
  );
  const ranked = (found.length > 0 ? found : all.filter(({ is_in_days }) => is_in_days))
    .map((each) => ({ ...each, telling: tellingIn(each.item, { now, time_zone }) }))
    .filter(({ item, telling }) => telling !== 'nothing' && (telling !== 'question' || mayAsk(item, message)))
    // Stable: else the order of the search stays.
    .toSorted(
      (a, b) =>
        Number(b.is_in_days) - Number(a.is_in_days) ||
        ORDER.indexOf(a.telling) - ORDER.indexOf(b.telling) ||
        hasDate(b.item, prompt) - hasDate(a.item, prompt),
    );
  const texts = ranked.map(({ item }) => normaliseContent(item.text));
  return ranked.filter((_each, at) => texts.indexOf(texts[at] ?? '') === at).map(({ item }) => item);
}

const ORDER: readonly Telling[] = ['statement', 'order', 'question', 'nothing'];

/** What a house like this one has answered, and an export has carried back in, is nobody's words. */
const OURS =
  /^(?:No language model is set up|Tidak ada model bahasa yang terpasang|Noted, in your words:|Dicatat, dengan kata-kata Anda:|Nothing is done yet:|Belum ada yang dilakukan:|What is remembered:|Yang diingat:)/u;

/** What others said may be told by a question: "Did you hear that Dewi moved?" */
const tellingIn = ({ text }: PackedItem, at: Pick<Prompt, 'now' | 'time_zone'>): Telling =>
  OURS.test(text) ? 'nothing' : tellingOf(text, at);
const mayAsk = ({ origin }: PackedItem, message: string): boolean => origin !== 'user' || asksWhatWasAsked(message);

/** Whether an item was said soon after another, in the same place. */
function isAfter(item: PackedItem, other: PackedItem): boolean {
  if (item.at === null || other.at === null || item.place_id !== other.place_id || item === other) return false;
  const gap = Date.parse(item.at) - Date.parse(other.at);
  return gap >= 0 && gap <= ANSWERED;
}

/** Of a question for a time: whether a text names one. */
const hasDate = ({ text, at }: PackedItem, { message, now, time_zone }: Prompt): number =>
  ASKS_WHEN.test(message) && findDates(text, { at: at ?? now, time_zone, language: 'und' }).length > 0 ? 1 : 0;

/** What recurs is one thing: its next occurrence stands for it. */
const firstOfEach = (items: readonly PackedItem[]): PackedItem[] =>
  items.filter(({ id }, at) => items.findIndex((other) => other.id === id) === at);

const isWithin = (day: string, from: string, to: string): boolean => day >= from && day <= to;
/** `2026-11-23` on the clocks of a zone. */
export const localDay = (at: string, time_zone: string): string =>
  printLocal(Math.floor(toLocal(Date.parse(at), time_zone) / DAY_MS) * DAY_MS, true);
