import { findDates } from '../../chat/rules/dates.ts';
import { shorten } from '../../chat/rules/title.ts';
import { printLocal, toLocal } from '../../calendar/rules/zones.ts';
import type { PackedItem, Prompt } from '../prompt.ts';
import { closest, localDay } from './closest.ts';
import { isPleasantry, movesTopic, tellingOf } from './quotable.ts';
import { readConfirmation } from './confirmation.ts';
import { type Language, sayDay, sayLocal } from './say-when.ts';

/** Characters of one quote. */
const MAX_TEXT = 500;

const say = (language: Language, en: string, id: string): string => (language === 'en' ? en : id);

/**
 * What answers where there is no model: the closest things that were said or written, word for word, each with its date, where it is
 * from, and its number. Nothing is phrased, concluded or summed up.
 */
export function quoteAnswer(prompt: Prompt, language: Language): string {
  if (readConfirmation(prompt.message) !== null && !isPleasantry(prompt.message))
    return say(language, 'Nothing waits for a yes or a no.', 'Tidak ada yang menunggu ya atau tidak.');
  if (isPleasantry(prompt.message)) return greeting(language);
  if (HELP.test(prompt.message)) return help(language);
  if (NOW.test(prompt.message)) return clock(prompt, language);
  if (movesTopic(prompt.message)) return `${say(language, 'We are at', 'Kita di')} “${prompt.context.title}”.`;
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
  if (tells(prompt))
    return `${none} ${say(
      language,
      'What you said is kept, word for word, and can be asked for.',
      'Yang Anda sampaikan disimpan, kata demi kata, dan bisa ditanyakan nanti.',
    )}`;
  return `${none} ${say(
    language,
    'Nothing that I was told is close to this. I do take orders, such as “remind me tomorrow at 9 to call Ana”, “what is on my calendar today” or “remember that …”.',
    'Tidak ada yang pernah disampaikan yang mendekati ini. Saya bisa menjalankan perintah, misalnya “ingatkan aku besok jam 9 rapat”, “apa jadwalku hari ini” atau “ingat bahwa …”.',
  )}`;
}

/** Sentences, not what somebody looks for. */
const MIN_TOLD = 5;
const LOOKS =
  /^(?:please\s+|tolong\s+)?(?:find|show|search|look|tell|give|list|explain|help|write|cari\w*|tampilkan|tunjukkan|ceritakan|jelaskan|bantu\w*|i\s+(?:want|need)\s+to\s+know)\b/iu;
const tells = ({ message, now, time_zone }: Prompt): boolean =>
  message.split(/\s+/u).length >= MIN_TOLD &&
  !LOOKS.test(message) &&
  tellingOf(message, { now, time_zone }) === 'statement';

const HELP =
  /^(?:help|\?+|(?:what|how)\s+(?:can|do)\s+(?:you|i)\s+(?:do|ask|use\s+(?:you|this)|say|help)(?:\s+(?:you|with|me|for\s+me|here))*|who\s+are\s+you|what\s+are\s+you|bantu(?:an)?|tolong|(?:kamu|anda)\s+(?:ini\s+)?siapa|siapa\s+(?:kamu|anda)|(?:kamu\s+)?bisa\s+apa(?:\s+(?:saja|aja))?(?:\s+kamu)?|apa\s+yang\s+(?:bisa\s+)?(?:kamu|anda)\s+(?:bisa\s+)?(?:lakukan|bantu))[\s?!.]*$/iu;
const help = (language: Language): string =>
  [
    say(
      language,
      'No language model is set up; I follow orders by rules and quote what you told me, with its source:',
      'Tidak ada model bahasa yang terpasang; saya menjalankan perintah menurut aturan dan mengutip apa yang Anda sampaikan, dengan sumbernya:',
    ),
    ...(language === 'en'
      ? [
          '- “remind me every weekday at 8 to stretch”, “schedule lunch with Budi on Friday 12-13”',
          '- “what is on my calendar tomorrow”, “am I free on Friday afternoon”, “move lunch to 1pm”, “cancel lunch”',
          '- “remember that …”, “what do you know about me”, “forget that”, “undo”',
          '- “add milk to my shopping list”, “check off milk”',
          '- “new topic: …”, “back to …”, or a question about what you told me',
        ]
      : [
          '- “ingatkan aku besok jam 9 rapat”, “jadwalkan senam setiap Sabtu jam 7 pagi”',
          '- “apa jadwalku besok”, “cari waktu kosong besok 30 menit”, “undur rapat 30 menit”, “batalkan rapat”',
          '- “ingat bahwa …”, “apa yang kamu ingat tentang aku”, “lupakan itu”, “urungkan”',
          '- “tambah susu ke daftar belanja”, “centang susu”',
          '- “topik baru: …”, “kembali ke …”, atau pertanyaan tentang yang pernah Anda sampaikan',
        ]),
  ].join('\n');

const NOW =
  /^(?:(?:what(?:['’]s|\s+is)?\s+)?(?:the\s+)?(?:time|date|day)(?:\s+and\s+(?:time|date))?(?:\s+is\s+it|\s+is\s+today|\s+today|\s+now)?(?:\s+(?:today|now|here|right\s+now))?|(?:sekarang\s+)?jam\s+berapa(?:\s+(?:sekarang|ini))?|(?:sekarang\s+|hari\s+ini\s+)?(?:hari|tanggal)\s+(?:apa|berapa)(?:\s+(?:sekarang|hari\s+ini|ini))?)[\s?!.]*$/iu;
const clock = ({ now, time_zone }: Prompt, language: Language): string =>
  `${localTime(now, time_zone, language)} (${time_zone}).`;

const greeting = (language: Language): string =>
  say(
    language,
    'No language model is set up, so I do not converse. I take orders, such as “remind me tomorrow at 9 to call Ana”, and quote what you told me.',
    'Tidak ada model bahasa yang terpasang, jadi saya tidak bisa mengobrol. Saya menjalankan perintah, misalnya “ingatkan aku besok jam 9 rapat”, dan mengutip apa yang pernah Anda sampaikan.',
  );

/** A number in brackets within a quote must not be read as a citation of this answer. */
const plain = (text: string): string =>
  text
    .replace(/\s+/gu, ' ')
    .trim()
    .replace(/\[(\d[\d\s,;]*)\]/gu, '($1)');

function quoteOf(item: PackedItem, { time_zone, now }: Prompt, language: Language): string {
  const { at, citation } = item;
  const day =
    at === null
      ? ''
      : item.kind === 'schedule'
        ? timeOf(item, at, time_zone, language)
        : sayDay(localDay(at, time_zone), language);
  const words = wordsOf(item);
  const meant = item.kind === 'schedule' ? '' : datesOf(words, at ?? now, time_zone, language);
  const source = [day, sourceOf(item, language)].filter((part) => part !== '').join(', ');
  return `> “${shorten(plain(words), MAX_TEXT)}”${meant}\n— ${source} [${citation ?? ''}]`;
}

/** The day and time that a schedule begins with are told beside it. */
const ITS_TIME = /^\d{4}-\d\d-\d\d(?:\s\d\d:\d\d)?(?:\s?(?:–|to)\s?(?:\d{4}-\d\d-\d\d)?(?:\s?\d\d:\d\d)?)?\s+/u;
/** What a memory is filed under, before the person's own words. */
const FILED = /^(?:[\p{L}\p{N}' -]{1,90}:\s){1,2}(?=(?:I|i|[Mm]y|[Oo]ur|[Ww]e|[Aa]ku|[Ss]aya|[Gg]ue|\p{L}+ku)\b)/u;

/** The very words of an item, without what the house puts in front. */
function wordsOf({ kind, text }: PackedItem): string {
  if (kind === 'schedule') return text.replace(ITS_TIME, '');
  return kind === 'memory' || kind === 'preference' ? text.replace(FILED, '') : text;
}

/** When a schedule begins; of what takes whole days, its day. */
const timeOf = ({ text }: PackedItem, at: string, time_zone: string, language: Language): string =>
  /^[\d-]{10} \d\d:/u.test(text) ? localTime(at, time_zone, language) : sayDay(localDay(at, time_zone), language);

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
