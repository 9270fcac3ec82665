import type { Order } from './command-types.ts';
import { hasContent, tidy } from './command-words.ts';
import { ask, type Language } from './say-when.ts';

const PLACE = 'list|canvas|page|doc(?:ument)?|notes?|board|journal|todos?|to-dos?';
const TEMPAT = 'daftar|list|kanvas|halaman|catatan|dokumen|jurnal';
/** What is written on such a place is a todo. */
const IS_LIST = /\b(?:list|todos?|to-dos?|board|daftar|belanja|tugas)\b/iu;

/** At most so many are added one by one. */
const MAX_ITEMS = 5;

function append(what: string, canvas: string, type: 'todo' | 'text'): Order | null {
  const name = tidy(canvas);
  if (!hasContent(what) || name === '') return null;
  // A list of things is one todo each, where commas say that it is a list.
  const parts =
    what.includes(',') && type === 'todo' ? what.split(/\s*,\s*(?:and\s+|dan\s+)?|\s+(?:and|dan)\s+/iu) : [what];
  const texts = parts.map(tidy).filter((part) => part !== '');
  return { verb: 'append', canvas: name, texts: texts.length > MAX_ITEMS ? [tidy(what)] : texts, type };
}

const read = ({ canvas = '' }: Groups): Order | null => {
  const name = tidy(canvas.replace(/(?:ku|\s+saya|\s+aku)$/iu, ''));
  return name === '' ? null : { verb: 'read', canvas: name };
};

type Groups = Partial<Record<string, string>>;

const FORMS: readonly [RegExp, Language, (groups: Groups, language: Language) => Order | null][] = [
  [
    new RegExp(
      `^(?:add|put|write(?:\\s+down)?|append|jot(?:\\s+down)?|note(?:\\s+down)?)\\s+(?:an?\\s+)?(?:(?<todo>todo|to-do|task|item)\\s*[:,]?\\s*(?:to\\s+)?)?(?<what>.+?)\\s+(?:to|on|onto|in|into)\\s+(?:my|the|our)\\s+(?<canvas>(?:[\\p{L}\\p{N}'’&-]+\\s+){0,4}?(?:${PLACE}))$`,
      'iu',
    ),
    'en',
    ({ what = '', canvas = '', todo }) =>
      append(what, canvas, todo !== undefined || IS_LIST.test(canvas) ? 'todo' : 'text'),
  ],
  [
    new RegExp(
      `^(?:add|put|write|append)\\s+(?:to|on|in)\\s+(?:my|the|our)\\s+(?<canvas>(?:[\\p{L}\\p{N}'’&-]+\\s+){0,4}?(?:${PLACE}))\\s*[:,]\\s*(?<what>.+)$`,
      'iu',
    ),
    'en',
    ({ what = '', canvas = '' }) => append(what, canvas, IS_LIST.test(canvas) ? 'todo' : 'text'),
  ],
  [
    /^(?:add|put)\s+(?<what>.+?)\s+(?:to|on|onto)\s+(?:the\s+)?(?:canvas|page|list)\s+(?:called\s+|named\s+)?["“]?(?<canvas>[^"”]+?)["”]?$/iu,
    'en',
    ({ what = '', canvas = '' }) => append(what, canvas, IS_LIST.test(canvas) ? 'todo' : 'text'),
  ],
  [
    /^(?:add|new|create)\s+(?:an?\s+)?(?:new\s+)?(?:todo|to-do|task)\s*[:,]?\s*(?:to\s+)?(?<what>.+)$/iu,
    'en',
    (_groups, language) => ({ verb: 'ask', question: ask('which_canvas', language) }),
  ],
  [
    new RegExp(
      `^(?:what(?:['’]s|\\s+is|\\s+do\\s+i\\s+have)\\s+(?:left\\s+)?(?:on|in)|show(?:\\s+me)?|read(?:\\s+me)?|open|list|what\\s+does)\\s+(?:my|the|our)\\s+(?<canvas>(?:[\\p{L}\\p{N}'’&-]+\\s+){0,4}?(?:${PLACE}))(?:\\s+say)?\\s*\\?*$`,
      'iu',
    ),
    'en',
    read,
  ],
  [
    new RegExp(
      `^(?:apa\\s+(?:saja\\s+)?(?:isi(?:nya)?|yang\\s+ada\\s+di|di)|isi|lihat(?:kan)?|tampilkan|baca(?:kan)?|buka)\\s+(?<canvas>(?:${TEMPAT})(?:\\s+[\\p{L}\\p{N}'’&-]+){0,4}|(?:[\\p{L}\\p{N}'’&-]+\\s+){1,3}(?:list|canvas))\\s*\\?*$`,
      'iu',
    ),
    'id',
    read,
  ],
  [
    new RegExp(
      `^(?:tambah(?:kan|in)?|masuk(?:kan|in)|tulis(?:kan)?|catat(?:kan)?|taruh)\\s+(?:(?<todo>tugas|todo)\\s*:?\\s*)?(?<what>.+?)\\s+(?:ke|di|dalam|pada)\\s+(?:dalam\\s+)?(?<canvas>(?:${TEMPAT})(?:\\s+[\\p{L}\\p{N}'’&-]+){0,4}|(?:[\\p{L}\\p{N}'’&-]+\\s+){1,3}list)$`,
      'iu',
    ),
    'id',
    ({ what = '', canvas = '', todo }) =>
      append(
        what,
        canvas.replace(/(?:ku|\s+saya|\s+aku)$/iu, ''),
        todo !== undefined || IS_LIST.test(canvas) ? 'todo' : 'text',
      ),
  ],
  [
    new RegExp(
      `^(?:check|tick|cross)\\s+(?:off\\s+)?(?<what>.+?)(?:\\s+off)?(?:\\s+(?:on|in|from|of)\\s+(?:my|the|our)\\s+(?<canvas>.*(?:${PLACE})))?$`,
      'iu',
    ),
    'en',
    ({ what = '', canvas }) => complete(what, canvas, true),
  ],
  [
    new RegExp(
      `^(?:mark|set)\\s+(?<what>.+?)\\s+(?:as\\s+)?(?<how>not\\s+done|undone|open|done|complete(?:d)?|finished)(?:\\s+(?:on|in|from)\\s+(?:my|the|our)\\s+(?<canvas>.*(?:${PLACE})))?$`,
      'iu',
    ),
    'en',
    ({ what = '', canvas, how = '' }) => complete(what, canvas, !/^(?:not|un|open)/iu.test(how)),
  ],
  [
    new RegExp(
      `^(?:complete|finish|uncheck|untick|reopen)\\s+(?:the\\s+)?(?:(?:todo|task|item)\\s+)?(?<what>.+?)(?:\\s+(?:on|in|from)\\s+(?:my|the|our)\\s+(?<canvas>.*(?:${PLACE})))?$`,
      'iu',
    ),
    'en',
    ({ what = '', canvas }) => complete(what, canvas, true),
  ],
  [
    new RegExp(
      `^(?:tandai|set)\\s+(?:tugas\\s+)?(?<what>.+?)\\s+(?:sudah\\s+|sebagai\\s+)?(?:selesai|beres|done)(?:\\s+di\\s+(?<canvas>(?:${TEMPAT}).*))?$`,
      'iu',
    ),
    'id',
    ({ what = '', canvas }) => complete(what, canvas, true),
  ],
  [
    new RegExp(
      `^(?:centang(?:kan)?|selesaikan|bereskan)\\s+(?:tugas\\s+)?(?<what>.+?)(?:\\s+di\\s+(?<canvas>(?:${TEMPAT}).*))?$`,
      'iu',
    ),
    'id',
    ({ what = '', canvas }) => complete(what, canvas, true),
  ],
];

function complete(what: string, canvas: string | undefined, is_done: boolean): Order | null {
  const text = tidy(what.replace(/^(?:the|my|our)\s+/iu, '').replace(/^(?:todo|task|item|tugas)\s+/iu, ''));
  if (!hasContent(text) || /^(?:out|in|with|whether|if|that|my|the)\b/iu.test(text)) return null;
  return { verb: 'complete', text, canvas: canvas === undefined ? null : tidy(canvas), is_done };
}

/** What somebody wants written on a canvas, or ticked off there. Null: nothing. */
export function readCanvasOrder(text: string): [Order, Language] | null {
  for (const [re, language, read] of FORMS) {
    const match = re.exec(text);
    const order = match && read(match.groups ?? {}, language);
    if (!order) continue;
    const is_reopened = order.verb === 'complete' && /^(?:uncheck|untick|reopen)\b/iu.test(text);
    return [is_reopened ? { ...order, is_done: false } : order, language];
  }
  return null;
}
