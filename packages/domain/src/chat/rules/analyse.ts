import { rangeTerms, writtenDateTerms, type DayRange } from './calendar-terms.ts';
import { stem } from './stem.ts';
import { STOP_WORDS } from './stop-words.ts';
import { tokens, type Token } from './tokens.ts';

export type Language = 'en' | 'id' | 'und';

export interface Analysis {
  language: Language;
  /** As often as they stand there. Of a text in neither language a word has several, so that it is found in each. */
  stems: string[];
  /** Words and numbers that are no stop words, each once for each time. */
  length: number;
}

/** Evidence that one language is meant needs to be so much more than of the other. */
const CLEARLY = 1.5;
const AFFIXES = {
  en: /(?:ing|ed|tion|ly|ness|ful|ment)$/,
  id: /^(?:meng|meny|men|mem|ber|per|peng|peny|pem|ter|di).{3,}|.{3,}(?:kan|nya|lah|kah)$|^ke.{3,}an$/,
};

/**
 * The language of a text, by its stop words and affixes, and its stems: what it can be found by, without what says nothing.
 * `days`: what its relative dates meant, if it is known; they are found by their dates too.
 */
export function analyse(text: string, days: readonly DayRange[] = []): Analysis {
  const found = tokens(text);
  const language = languageOf(found);
  const stems: string[] = [];
  let length = 0;
  for (const token of found) {
    if (isStopWord(token, language)) continue;
    length += 1;
    stems.push(...stemsOf(token, language));
  }
  stems.push(...writtenDateTerms(text), ...days.flatMap(rangeTerms));
  return { language, stems, length };
}

/** Stop words count whole, an affix a half; undecided when neither is clearly ahead. */
export function languageOf(found: readonly Token[]): Language {
  let en = 0;
  let id = 0;
  for (const { text, kind } of found) {
    if (kind === 'mark') continue;
    if (STOP_WORDS.en.has(text)) en += 1;
    else if (text.length > 5 && AFFIXES.en.test(text)) en += 0.5;
    if (STOP_WORDS.id.has(text)) id += 1;
    else if (text.length > 5 && AFFIXES.id.test(text)) id += 0.5;
  }
  if (en >= 1 && en >= CLEARLY * id) return 'en';
  return id >= 1 && id >= CLEARLY * en ? 'id' : 'und';
}

export const isStopWord = ({ text, kind }: Token, language: Language): boolean =>
  kind === 'word' && ((language !== 'id' && STOP_WORDS.en.has(text)) || (language !== 'en' && STOP_WORDS.id.has(text)));

function stemsOf({ text, kind }: Token, language: Language): string[] {
  if (kind === 'mark') return [text];
  if (language !== 'und') return [stem(text, language)];
  return [...new Set([text, stem(text, 'en'), stem(text, 'id')])];
}
