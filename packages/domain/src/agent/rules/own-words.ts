import { isStopWord } from '../../chat/rules/analyse.ts';
import { stem } from '../../chat/rules/stem.ts';
import { tokens } from '../../chat/rules/tokens.ts';

/** Words that a title may have without anybody having said them: they say of what kind a thing is. */
const GENERIC = new Set(
  (
    'meeting appointment reminder call event task todo session visit time note list calendar schedule plan item user ' +
    'rapat pertemuan janji pengingat panggilan acara tugas sesi kunjungan waktu catatan daftar kalender jadwal rencana agenda telepon'
  ).split(' '),
);

interface Word {
  /** What it may be met by: as it stands, and its stem in either language. */
  forms: string[];
  is_generic: boolean;
}

function contentOf(text: string): Word[] {
  return tokens(text)
    .filter((token) => !isStopWord(token, 'und'))
    .map(({ text: word, kind }) => ({
      forms: kind === 'mark' ? [word] : [...new Set([word, stem(word, 'en'), stem(word, 'id')])],
      is_generic: GENERIC.has(word),
    }));
}

/** All words count, stop words too: of a name one may be a part. */
const formsOf = (text: string): Set<string> =>
  new Set(
    tokens(text).flatMap(({ text: word, kind }) =>
      kind === 'mark' ? [word] : [word, stem(word, 'en'), stem(word, 'id')],
    ),
  );

const isIn = (word: Word, said: ReadonlySet<string>): boolean => word.forms.some((form) => said.has(form));

/** Whether every word of a text that says something stands in what was said, in any form, or is of those that only say a kind. */
export function isMadeOf(text: string, said: string): boolean {
  const known = formsOf(said);
  return contentOf(text).every((word) => word.is_generic || isIn(word, known));
}

/** Whether what was said names this thing: by one of its own words, or, where it has none, by its kind. */
export function isNamed(thing: string, said: string): boolean {
  const words = contentOf(thing);
  const own = words.filter((word) => !word.is_generic);
  const known = formsOf(said);
  return (own.length > 0 ? own : words).some((word) => isIn(word, known));
}
