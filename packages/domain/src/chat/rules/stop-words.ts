import { stopwords as english } from '@orama/stopwords/english';
import { stopwords as indonesian } from '@orama/stopwords/indonesian';

const plain = (words: string[]): string[] => words.map((word) => word.replace(/'.*$/, '').toLowerCase());

/** What the lists lack: what is left of contractions, and what people write in a chat. */
const ALSO_ENGLISH =
  'a the also just don doesn didn isn aren wasn weren hasn haven hadn won wouldn shan shouldn couldn mustn ain gonna wanna gotta yeah yes ok okay oh hey hi hello wow please thanks thank';
const ALSO_INDONESIAN =
  'yg dgn dg utk tdk gak ga nggak ngga gk tak ya iya yah sih deh nih tuh dong kok udah udh sdh blm belom aja gue gua gw lu lo elu loe kayak kaya gimana gmn kalo klo klau krn karna sm sama jd jadi bgt banget aku ku kau mu nya nih kak mas mbak halo hai tolong terima kasih makasih oke adakah bolehkah';

/** Words that say nothing of what a text is about, of each language, without accents and apostrophes. */
export const STOP_WORDS = {
  en: new Set([...plain(english), ...ALSO_ENGLISH.split(' ')]),
  id: new Set([...plain(indonesian), ...ALSO_INDONESIAN.split(' ')]),
};
