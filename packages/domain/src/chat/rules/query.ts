import { isStopWord, languageOf, type Language } from './analyse.ts';
import { rangeTerms, writtenDateTerms, type DayRange } from './calendar-terms.ts';
import { authorTerms } from './author-terms.ts';
import { indonesianForms, stem } from './stem.ts';
import { tokens, type Token } from './tokens.ts';

/** One thing that is looked for. A text that has any of `stems` has it, once. */
export interface QueryTerm {
  stems: string[];
  weight: number;
}

/** Of a query as long as a letter, the first words. */
const MAX_TERMS = 64;

/**
 * What to look for, of what somebody asks. People mix languages, and what they ask need not be in the language of what they said:
 * so a word stands for its stems in each. `days`: what relative dates in it mean, if that is known.
 */
export function queryTerms(text: string, days: readonly DayRange[] = []): QueryTerm[] {
  const found = tokens(text);
  const language = languageOf(found);
  const terms = new Map<string, QueryTerm>();
  for (const token of found) {
    if (isStopWord(token, language)) continue;
    const stems = alternatives(token, language);
    const key = stems[0] ?? '';
    if (!terms.has(key) && terms.size < MAX_TERMS) terms.set(key, { stems, weight: 1 });
  }
  for (const date of new Set([...writtenDateTerms(text), ...days.flatMap(rangeTerms)]))
    if (terms.size < MAX_TERMS) terms.set(date, { stems: [date], weight: 1 });
  return [...terms.values()];
}

/**
 * The same for messages, which are also found by who said them, should a word be a name. It is not among `queryTerms`, for what
 * nobody says.
 */
export const messageTerms = (text: string, days: readonly DayRange[] = []): QueryTerm[] => [
  ...queryTerms(text, days),
  ...[...new Set(authorTerms(text))].slice(0, MAX_TERMS).map((term) => ({ stems: [term], weight: 1 })),
];

/** The language of a query, as that of a text. */
export const queryLanguage = (text: string): Language => languageOf(tokens(text));

function alternatives({ text, kind }: Token, language: Language): string[] {
  if (kind === 'mark') return [text];
  const english = [stem(text, 'en'), text];
  const indonesian = [stem(text, 'id'), text, ...indonesianForms(text)];
  return [...new Set(language === 'id' ? [...indonesian, ...english] : [...english, ...indonesian])];
}
