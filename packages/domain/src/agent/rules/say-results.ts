import { type Answered, list, type Occurrence, occurrencesOf, text } from './tool-results.ts';
import { type Language, sayDay, sayLocal, sayTime } from './say-when.ts';

const LISTED = 20;

const say = (language: Language, en: string, id: string): string => (language === 'en' ? en : id);

/** What became of the tools that an order called, in plain words. `understood`: what the order was taken to mean. */
export function sayAnswers(answers: readonly Answered[], understood: string | null, language: Language): string {
  return [...new Set(answers.map((answer) => sayAnswer(answer, understood, language)))].join('\n');
}

function sayAnswer(answer: Answered, understood: string | null, language: Language): string {
  const { status, summary } = answer;
  if (status === 'needs_confirmation')
    return say(
      language,
      `Nothing is done yet: ${summary}. Shall I? Answer yes or no.`,
      `Belum ada yang dilakukan: ${summary}. Lanjutkan? Jawab ya atau tidak.`,
    );
  if (answer.name === 'forget' && answer.code === 'memory.not_found')
    return say(
      language,
      `Nothing is remembered of ${understood ?? 'that'}. ${MESSAGES_STAY.en}`,
      `Tidak ada yang diingat tentang ${understood ?? 'itu'}. ${MESSAGES_STAY.id}`,
    );
  if (status !== 'done')
    return say(language, `That did not work: ${plain(summary)}`, `Itu tidak berhasil: ${plain(summary)}`);
  switch (answer.name) {
    case 'find_schedules':
      return sayOccurrences(occurrencesOf(answer), understood, language);
    case 'read_free_busy':
      return list(answer.result['people'])
        .map((person) => sayBusy(person, understood ?? '', language))
        .join('\n');
    case 'find_slots':
      return saySlots(answer, language);
    case 'list_memories':
      return sayMemories(answer, language);
    case 'remember':
      return answer.result['outcome'] === 'known'
        ? say(
            language,
            `I know that already: “${text(answer.result['content'])}”.`,
            `Itu sudah saya ingat: “${text(answer.result['content'])}”.`,
          )
        : say(
            language,
            `Remembered: “${text(answer.result['content'])}”.`,
            `Diingat: “${text(answer.result['content'])}”.`,
          );
    case 'forget':
      return sayForgotten(answer, language);
    case 'delete_schedule':
      return say(language, `Cancelled: ${doneOf(answer)}.`, `Dibatalkan: ${doneOf(answer)}.`);
    case 'undo':
      return say(language, 'Taken back.', 'Sudah dikembalikan.');
    default:
      return (
        say(language, `Done: ${understood ?? doneOf(answer)}.`, `Selesai: ${understood ?? doneOf(answer)}.`) +
        sayConflicts(answer, language)
      );
  }
}

/** Without the field of a tool that a fault is about: `/people/0: …`. */
const plain = (fault: string): string => fault.replace(/^\/[\w/]*: /u, '');

const doneOf = ({ result }: Answered): string => `“${text(result['title']) || text(result['text'])}”`;

/** What stands in the calendar at that time already. */
function sayConflicts({ result }: Answered, language: Language): string {
  const spans = list(result['conflicts'])
    .slice(0, 3)
    .map((one) => saySpan(one, language));
  if (spans.length === 0) return '';
  return say(language, ` You are busy then: ${spans.join('; ')}.`, ` Anda sibuk saat itu: ${spans.join('; ')}.`);
}

const saySpan = ({ starts_local, ends_local }: Readonly<Record<string, unknown>>, language: Language): string =>
  `${sayLocal(text(starts_local), language)}–${sayTime(text(ends_local), language)}`;

/** `09:00–10:00 Standup`, under its day. */
function sayOccurrences(found: readonly Occurrence[], window: string | null, language: Language): string {
  if (found.length === 0)
    return say(
      language,
      `Nothing stands in your calendar${window === null ? '' : `: ${window}`}.`,
      `Tidak ada apa-apa di kalender Anda${window === null ? '' : `: ${window}`}.`,
    );
  const lines: string[] = [];
  let day = '';
  for (const one of found.slice(0, LISTED)) {
    const said = sayDay(one.starts_local, language);
    if (said !== day) lines.push(`${said}:`);
    day = said;
    lines.push(`- ${sayOne(one, language)}`);
  }
  if (found.length > LISTED)
    lines.push(say(language, `… and ${found.length - LISTED} more`, `… dan ${found.length - LISTED} lagi`));
  return lines.join('\n');
}

function sayOne({ title, starts_local, ends_local, location }: Occurrence, language: Language): string {
  const place = location === '' ? '' : ` (${location})`;
  if (starts_local.length === 10) return `${say(language, 'all day', 'sepanjang hari')} ${title}${place}`;
  const end =
    ends_local.slice(0, 10) === starts_local.slice(0, 10) && ends_local !== starts_local
      ? `–${sayTime(ends_local, language)}`
      : '';
  return `${sayTime(starts_local, language)}${end} ${title}${place}`;
}

/** One of several to choose from. */
export const sayChoice = ({ title, starts_local }: Occurrence, language: Language): string =>
  `${title}, ${sayLocal(starts_local, language)}`;

function sayBusy(person: Readonly<Record<string, unknown>>, window: string, language: Language): string {
  const busy = list(person['busy']);
  const name = text(person['name']);
  const who = name === '' || name === 'me' ? '' : `${name}: `;
  if (person['found'] === false) return say(language, `${who}not known.`, `${who}tidak diketahui.`);
  if (busy.length === 0) return say(language, `${who}Nothing is in the way: ${window}.`, `${who}Kosong: ${window}.`);
  const spans = busy.map((one) => saySpan(one, language));
  return say(language, `${who}Busy: ${spans.join('; ')}.`, `${who}Sibuk: ${spans.join('; ')}.`);
}

function saySlots({ result }: Answered, language: Language): string {
  const slots = list(result['slots']);
  if (slots.length === 0)
    return say(language, 'There is no free time like that.', 'Tidak ada waktu kosong seperti itu.');
  const lines = slots.map((one) => `- ${saySpan(one, language)}`);
  return [say(language, 'Free:', 'Kosong:'), ...lines].join('\n');
}

function sayMemories({ result }: Answered, language: Language): string {
  const memories = list(result['memories']);
  if (memories.length === 0)
    return say(language, 'Nothing of that is remembered.', 'Tidak ada yang diingat tentang itu.');
  const lines = memories.map(({ content, subject }) => {
    const about = text(subject);
    return `- ${about === 'user' || about === '' ? '' : `${about}: `}${text(content)}`;
  });
  return [say(language, 'What is remembered:', 'Yang diingat:'), ...lines].join('\n');
}

function sayForgotten({ result }: Answered, language: Language): string {
  const forgotten = list(result['forgotten']).map(({ content }) => `“${text(content)}”`);
  // What an attempt before this one has forgotten: nobody knows any more what it was.
  if (forgotten.includes('“”'))
    return say(language, `Forgotten. ${MESSAGES_STAY.en}`, `Dilupakan. ${MESSAGES_STAY.id}`);
  if (forgotten.length === 0)
    return say(
      language,
      `Nothing was remembered of what you said last, and it will not be. ${MESSAGES_STAY.en} To take back what was done last, say “undo”.`,
      `Tidak ada yang diingat dari yang terakhir Anda katakan, dan tidak akan diingat. ${MESSAGES_STAY.id} Untuk membatalkan tindakan terakhir, katakan “urungkan”.`,
    );
  return say(
    language,
    `Forgotten: ${forgotten.join(', ')}. ${MESSAGES_STAY.en}`,
    `Dilupakan: ${forgotten.join(', ')}. ${MESSAGES_STAY.id}`,
  );
}

/** A canvas as it stands, with what is ticked off and what is not. */
export function sayCanvas(result: Readonly<Record<string, unknown>>, language: Language): string {
  const lines = list(result['blocks'])
    .filter((block) => text(block['text']).trim() !== '')
    .map(({ type, is_done, text: content }) => {
      const mark = type === 'todo' ? (is_done === true ? '[x] ' : '[ ] ') : '';
      return `- ${mark}${text(content).replace(/\s+/gu, ' ')}`;
    });
  if (text(result['next_cursor']) !== '') lines.push('…');
  const head = `“${text(result['title'])}”`;
  return lines.length === 0 ? say(language, `${head} is empty.`, `${head} kosong.`) : [`${head}:`, ...lines].join('\n');
}

/** To forget is to remember no longer; what was said is another thing. */
const MESSAGES_STAY: Readonly<Record<Language, string>> = {
  en: 'Your messages stay, and can be quoted, until you delete them in the conversation.',
  id: 'Pesan Anda tetap ada, dan bisa dikutip, sampai Anda menghapusnya dari percakapan.',
};
