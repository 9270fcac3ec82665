export type Locale = 'en' | 'id';

const inBrackets = (text: string): string => (text === '' ? '' : ` (${text})`);

/** What the house itself says on WhatsApp, where nobody's words answer. */
const LINES = {
  en: {
    // With the account: whoever was talked into sending somebody else's code sees whose it is.
    linked: (account: string) =>
      `This number is linked to you now${inBrackets(account)}. Write to me here whenever you like.`,
    text_only: () => 'I can only read text for now. Please write to me what it is about.',
    too_long: () => 'That message is too long for me. Please send it in shorter ones.',
    too_many: () =>
      'You write faster than I can answer. I have not read the last messages; please wait for my answers first.',
    quota: (at: string) => `I cannot answer more for now: the limit is used up. It is open again from ${at}.`,
    away: () => 'I cannot answer right now. Please write to me again a little later.',
    failed: () => 'I could not answer this message. Please say it in other words.',
    cancelled: () => 'That answer was cancelled.',
    sources: (what: string) => `From: ${what}`,
  },
  id: {
    linked: (account: string) =>
      `Nomor ini sekarang terhubung denganmu${inBrackets(account)}. Tulis saja di sini kapan pun kamu mau.`,
    text_only: () => 'Untuk saat ini saya hanya bisa membaca teks. Tolong tuliskan maksudnya.',
    too_long: () => 'Pesan itu terlalu panjang untuk saya. Tolong kirim dalam beberapa pesan yang lebih pendek.',
    too_many: () =>
      'Pesanmu lebih cepat dari jawaban saya. Pesan terakhir belum saya baca; tunggu dulu jawaban saya, ya.',
    quota: (at: string) => `Untuk sementara saya belum bisa menjawab: batasnya sudah habis. Terbuka lagi mulai ${at}.`,
    away: () => 'Saya belum bisa menjawab sekarang. Tolong tulis lagi sebentar lagi.',
    failed: () => 'Saya tidak bisa menjawab pesan ini. Coba sampaikan dengan kata lain.',
    cancelled: () => 'Jawaban itu dibatalkan.',
    sources: (what: string) => `Dari: ${what}`,
  },
};
export type PartnerLine = keyof (typeof LINES)['en'];

export const partnerLine = (locale: Locale, line: PartnerLine, what = ''): string => LINES[locale][line](what);

const KINDS = {
  en: {
    preference: 'what you told me',
    memory: 'what I remember',
    message: 'our conversation',
    block: 'your canvases',
    schedule: 'your calendar',
  },
  id: {
    preference: 'yang kamu ceritakan',
    memory: 'ingatan saya',
    message: 'percakapan kita',
    block: 'kanvasmu',
    schedule: 'kalendermu',
  },
};
type Kind = keyof (typeof KINDS)['en'];

/** In one line, what an answer rests on; null: on nothing. */
export function sourcesLine(locale: Locale, citations: readonly { kind: Kind }[]): string | null {
  const kinds = [...new Set(citations.map(({ kind }) => kind))];
  return kinds.length === 0
    ? null
    : partnerLine(locale, 'sources', kinds.map((kind) => KINDS[locale][kind]).join(', '));
}

/** When there is room again, as the person's clock shows it. */
export const resetTime = (locale: Locale, reset_at: string, time_zone: string): string =>
  new Intl.DateTimeFormat(locale === 'id' ? 'id-ID' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: time_zone,
  }).format(new Date(reset_at));
