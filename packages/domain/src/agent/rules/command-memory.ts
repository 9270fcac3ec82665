import type { Order } from './command-types.ts';
import { hasContent, tidy } from './command-words.ts';
import { ask, type Language } from './say-when.ts';

type Read = (groups: Partial<Record<string, string>>, language: Language) => Order | null;

const MAX_CONTENT = 2_000;

const remember: Read = ({ what = '' }, language) => {
  const content = what.replace(/^[\s,:"“]+|[\s"”]+$/gu, '').slice(0, MAX_CONTENT);
  if (!hasContent(content)) return { verb: 'ask', question: ask('what', language) };
  return { verb: 'call', calls: [{ name: 'remember', arguments: { content } }], understood: `“${content}”` };
};

const forgetThat: Read = () => ({
  verb: 'call',
  calls: [{ name: 'forget', arguments: { that: true } }],
  understood: null,
});

const forgetWords: Read = ({ what = '' }, language) => {
  const query = tidy(what).slice(0, 200);
  if (/^(?:me|aku|saya|diriku|everything|semuanya?)$/iu.test(query))
    return { verb: 'ask', question: EVERYTHING[language] };
  if (!hasContent(query)) return { verb: 'ask', question: ask('what', language) };
  return { verb: 'call', calls: [{ name: 'forget', arguments: { query } }], understood: `“${query}”` };
};

const EVERYTHING: Readonly<Record<Language, string>> = {
  en: 'Everything at once is forgotten in the settings of your memory, not here. Of what should I forget something?',
  id: 'Semuanya sekaligus dilupakan di pengaturan ingatan, bukan di sini. Tentang apa yang harus saya lupakan?',
};

const list: Read = ({ what }) => {
  const query = tidy(what ?? '');
  const is_all = query === '' || /^(?:me|aku|saya|gue|diriku|myself)$/iu.test(query);
  return {
    verb: 'call',
    calls: [{ name: 'list_memories', arguments: is_all ? {} : { query: query.slice(0, 200) } }],
    understood: null,
  };
};

const undo: Read = () => ({ verb: 'call', calls: [{ name: 'undo', arguments: {} }], understood: null });

const FORMS: readonly [RegExp, Language, Read][] = [
  [
    /^(?:undo|revert)(?:\s+(?:that|it|this|the\s+last\s+(?:one|thing|change|action)|what\s+you\s+(?:just\s+)?did))?$/iu,
    'en',
    undo,
  ],
  [/^take\s+(?:that|it)\s+back$/iu, 'en', undo],
  [/^(?:urungkan|kembalikan|balikin)(?:\s+(?:itu|yang\s+(?:tadi|barusan|terakhir)|tadi))?$/iu, 'id', undo],
  [/^(?:batalkan|batalin)\s+(?:yang\s+)?(?:tadi|barusan|terakhir)$/iu, 'id', undo],

  [
    /^(?:what(?:\s+all)?|tell\s+me\s+(?:what|everything))\s+(?:do\s+)?you\s+(?:know|remember|have\s+(?:stored|saved|remembered))(?:\s+(?:about|of|on)\s+(?<what>.+?))?\s*\?*$/iu,
    'en',
    list,
  ],
  [/^what\s+(?:have\s+i\s+told|did\s+i\s+tell)\s+you(?:\s+(?:about|of)\s+(?<what>.+?))?\s*\?*$/iu, 'en', list],
  [
    /^(?:show|list)(?:\s+me)?\s+(?:all\s+)?(?:my|your)\s+memor(?:y|ies)(?:\s+(?:about|of)\s+(?<what>.+?))?$/iu,
    'en',
    list,
  ],
  [
    /^apa\s+(?:saja\s+)?(?:yang\s+)?(?:kamu|anda|lu|lo|kau)\s+(?:tahu|ketahui|tau|ingat|simpan)(?:\s+(?:tentang|soal|mengenai)\s+(?<what>.+?))?\s*\?*$/iu,
    'id',
    list,
  ],
  [
    /^(?:kamu|anda|lu|lo)\s+(?:tahu|tau|ingat)\s+apa(?:\s+(?:saja|aja))?(?:\s+(?:tentang|soal|mengenai)\s+(?<what>.+?))?\s*\?*$/iu,
    'id',
    list,
  ],
  [
    /^(?:tampilkan|lihat(?:kan)?)\s+(?:semua\s+)?(?:ingatan|memori)(?:mu|ku)?(?:\s+(?:tentang|soal)\s+(?<what>.+?))?$/iu,
    'id',
    list,
  ],

  [
    /^forget\s+(?:that|it|this|about\s+(?:that|it|this)|what\s+i\s+(?:just\s+)?(?:said|told\s+you))$/iu,
    'en',
    forgetThat,
  ],
  [
    /^(?:lupakan|lupain|hapus)\s+(?:itu|hal\s+itu|yang\s+(?:tadi|barusan|itu)|apa\s+yang\s+(?:baru\s+)?(?:aku|saya)\s+(?:katakan|bilang)(?:\s+tadi)?)(?:\s+(?:ya|saja|aja))?$/iu,
    'id',
    forgetThat,
  ],
  [
    /^(?:forget|delete|erase|remove)\s+(?:everything|all|anything|what(?:ever)?|all\s+memories|memories)(?:\s+(?:that\s+)?(?:you\s+(?:know|remember|have)|i\s+(?:said|told\s+you)|there\s+is))?(?:\s+(?:about|of|on)\s+(?<what>.+))?$/iu,
    'en',
    ({ what }, language) => forgetWords({ what: what ?? 'everything' }, language),
  ],
  [/^forget\s+(?:that|about|the\s+fact\s+that|my|the)\s+(?<what>.+)$/iu, 'en', forgetWords],
  [/^forget\s+(?<what>.+)$/iu, 'en', forgetWords],
  [
    /^(?:lupakan|lupain)\s+(?:(?:semua|segala(?:nya)?|apa\s+pun)\s+)?(?:(?:hal\s+)?(?:yang\s+kamu\s+(?:tahu|ingat)\s+)?(?:tentang|soal|mengenai)|bahwa|kalau)\s+(?<what>.+)$/iu,
    'id',
    forgetWords,
  ],
  [/^hapus\s+(?:semua\s+)?(?:ingatan|memori)\s+(?:tentang|soal|mengenai)\s+(?<what>.+)$/iu, 'id', forgetWords],
  [/^(?:lupakan|lupain)\s+(?<what>.+)$/iu, 'id', forgetWords],

  [
    /^(?:remember|keep\s+in\s+mind|bear\s+in\s+mind|make\s+a\s+note|take\s+a\s+note|note|memori[sz]e)(?:\s*:\s*|\s+that\s+|,\s*)(?<what>.+)$/iu,
    'en',
    remember,
  ],
  [/^(?:don['’]?t|do\s+not)\s+forget\s+that\s+(?<what>.+)$/iu, 'en', remember],
  [
    /^remember\s+(?!when\b|how\b|to\b|the\s+time\b|what\b|who\b|where\b|why\b|if\b|me\b\s*[?]?$|that\b\s*$)(?<what>.+[^?])$/iu,
    'en',
    remember,
  ],
  [
    /^(?:ingat(?:lah)?|inget|camkan|catat(?:lah)?)(?:\s*:\s*|\s+(?:bahwa|kalau|ya)\s+,?\s*|,\s*)(?<what>.+)$/iu,
    'id',
    remember,
  ],
  [/^jangan\s+lupa(?:kan)?\s+(?:bahwa|kalau)\s+(?<what>.+)$/iu, 'id', remember],
  [
    /^ingat(?:lah)?\s+(?!untuk\b|kan\b|nggak\b|tidak\b|gak\b|waktu\b|apa\b|kapan\b|siapa\b|saat\b)(?<what>.+[^?])$/iu,
    'id',
    remember,
  ],
];

/** What somebody wants remembered, forgotten, undone, or to know of what is remembered. Null: nothing of it. */
export function readMemoryOrder(text: string): [Order, Language] | null {
  for (const [re, language, read] of FORMS) {
    const match = re.exec(text);
    const order = match && read(match.groups ?? {}, language);
    if (order) return [order, language];
  }
  return null;
}
