import { isStopWord } from '../../chat/rules/analyse.ts';
import { tokens } from '../../chat/rules/tokens.ts';
import { spelt } from './spelling.ts';

const POLITE_BEFORE =
  /^(?:(?:hi|hey|hello|halo|hai|ok(?:ay|e)?|so|well|and|also|then|now|please|pls|kindly|can|could|would|will)\s+(?:you\s+)?|(?:i|i['’]d|i\s+would)\s+(?:want|need|like)\s+(?:you\s+to\s+|to\s+(?!remember|forget|know|note|complete|finish|move|check|mark|reopen))|(?:tolong|mohon|coba|bisa(?:kah)?|boleh(?:kah)?|minta|dong|eh|nah|terus|lalu|oke|sekarang)\s+|(?:please|tolong|mohon|hey|hai|halo|hi|ok(?:ay|e)?)\s*[,!:]\s*|(?:be\s+)?so\s+(?:kind|nice|good)\s+(?:and|to|as\s+to)\s+|be\s+(?:an?\s+)?(?:dear|angel|darling)\s+and\s+)+/iu;
const POLITE_AFTER =
  /(?:[\s,]+(?:please|pls|thanks|thank\s+you|for\s+me|will\s+you|ok(?:ay)?|ya|yah|dong|deh|tolong|makasih|terima\s+kasih|untukku|buatku))+\s*[.!?]*$/iu;

/** A message without what is only polite, and with its words of order and time as they are spelt. */
export function plainOrder(text: string): string {
  const line = text.replace(/\s+/gu, ' ').trim();
  return spelt(line)
    .replace(POLITE_BEFORE, '')
    .replace(POLITE_AFTER, '')
    .replace(/[\s.!]+$/u, '')
    .trim();
}

/** Words that say of what kind something is, or whose: a calendar is not searched for them. */
const KINDS =
  /\b(?:appointments?|events?|meetings?|reminders?|schedules?|entry|entries|sessions?|calls?|jadwal|acara|agenda|pengingat|rapat|janji|pertemuan|kegiatan)\b/giu;
const WHOSE =
  /\b(?:my|our|the|a|an|this|that|all|every|each|next|upcoming|future|whole|entire|series(?:\s+of)?|occurrences?\s+of|of|with|to|for|about|at|on|in|and|from|semua|seluruh|setiap|tiap|ku|saya|aku|untuk|dengan|sama|tentang|yang|dan|di|ke|dari)\b/giu;

/** What something in a calendar is looked for by: its own words; those of its kind alone if it has no others. */
export function searchWords(text: string): string {
  const own = tidy(text.replace(KINDS, ' ').replace(WHOSE, ' '));
  const words = own === '' ? tidy(text.replace(WHOSE, ' ')) : own;
  // Parts of words are found too: the singular finds both.
  return words.replace(/(?<=\p{L}{4})(?<!s)s\b/gu, '');
}

/** One space between words, no punctuation at the ends. */
export const tidy = (text: string): string =>
  text
    .replace(/\s+/gu, ' ')
    .replace(/^[\s,.;:!?"“”'’–—-]+|[\s,.;:!?"“”'–—-]+$/gu, '')
    .trim();

/** What a text asks of: a word of it that is no stop word. */
export const hasContent = (text: string): boolean => tokens(text).some((token) => !isStopWord(token, 'und'));

const ALL = /\b(?:all|every|each|whole|entire|series|semua|seluruh|setiap|tiap)\b/iu;

/** Whether all of a series is meant. */
export const meansAll = (text: string): boolean => ALL.test(text);

/** Whether a text says only of what kind something is: `the meeting`. */
export const isKindAlone = (text: string): boolean => tidy(text.replace(KINDS, ' ').replace(WHOSE, ' ')) === '';
