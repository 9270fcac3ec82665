/** What is said beside a yes or a no and changes neither. */
const FILLERS =
  /\b(please|pls|thanks|thank you|thx|then|just|now|it|that|tolong|dong|deh|saja|aja|kok|terima kasih|makasih|mas|mbak|pak|bu|kak|itu|sekarang)\b/gu;

const YES = new Set(
  [
    'y, yes, yep, yup, yeah, yea, ya, yes yes, sure, sure thing, ok, okay, okey, k, alright, all right, fine, agreed, absolutely',
    'definitely, of course, certainly, correct, right, exactly, perfect, confirm, confirmed, i confirm, i agree, approve, approved',
    'do, go ahead, go for, go on, proceed, sounds good, looks good, yes do, yes go ahead, yes confirm, ok do, ok go ahead, make so',
    'iya, iyah, yoi, yup, oke, okeh, baik, baiklah, boleh, silakan, silahkan, setuju, lanjut, lanjutkan, betul, benar, konfirmasi',
    'saya setuju, aku setuju, saya konfirmasi, ya lanjutkan, ya silakan, ya boleh, iya boleh, oke lanjut, kerjakan, lakukan',
    'ya lakukan, ya betul, ya benar, iya benar, iya betul, tentu, tentu boleh, pasti, siap, sip, gas',
  ].flatMap((line) => line.split(', ')),
);

const NO = new Set(
  [
    'n, no, nope, nah, no no, not, not yet, do not, dont, no dont, no do not, cancel, no cancel, stop, no stop, never, never mind',
    'nevermind, forget, leave, decline, declined, rather not, id rather not, abort, wrong, no wrong, not ok, not okay, dont do',
    'do not do, no way, no dont do',
    'tidak, tdk, enggak, engga, nggak, ngga, gak, ga, ndak, jangan, jgn, jangan dulu, tidak usah, nggak usah, gak usah, ga usah',
    'batal, batalkan, tidak batalkan, tidak jadi, nggak jadi, gak jadi, ga jadi, nanti, jangan lakukan, bukan, tidak setuju, salah',
    'tidak jangan, belum',
  ].flatMap((line) => line.split(', ')),
);

/** What one also says to end a talk. With thanks it is said to do that, and is no word for anything. */
const WEAK = new Set(
  'ok, okay, okey, k, alright, all right, fine, perfect, sounds good, looks good, sure, oke, okeh, baik, baiklah, siap, sip'.split(
    ', ',
  ),
);
const THANKS = /\b(?:thanks|thank you|thx|terima kasih|makasih)\b/u;

const NOTHING_ELSE = 60;

/** An emoji, with the shade and the presentation that a keyboard puts behind it. */
const isOneSign = (text: string): boolean => text.length <= 6 && !/[\p{L}\p{N}]/u.test(text);

/** Whether a message is a yes or a no and nothing else, in English or Indonesian. Null: neither, or it says more than that. */
export function readConfirmation(text: string): 'yes' | 'no' | null {
  if (text.length > NOTHING_ELSE || text.includes('?')) return null;
  const said = text.trim();
  if (/^(?:👍|✅|👌|🆗)/u.test(said) && isOneSign(said)) return 'yes';
  if (/^(?:👎|❌|🚫|🛑)/u.test(said) && isOneSign(said)) return 'no';
  const words = said
    .toLowerCase()
    .replace(/['’`]/gu, '')
    .replace(/[^\p{L}\s]+/gu, ' ')
    .trim()
    .replace(/\s+/gu, ' ');
  if (/\d/u.test(said)) return null;
  const plain = words.replace(FILLERS, ' ').replace(/\s+/gu, ' ').trim();
  if (THANKS.test(words) && WEAK.has(plain)) return null;
  for (const form of [words, plain]) {
    if (YES.has(form)) return 'yes';
    if (NO.has(form)) return 'no';
  }
  return null;
}
