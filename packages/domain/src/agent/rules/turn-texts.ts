/** What the house itself says in a turn, where no model does. */
const TEXTS = {
  en: {
    confirmed: (what: string) => `Done: ${what}`,
    failed: (what: string) => `That did not work: ${what}`,
    declined: (what: string) => `Left as it was: ${what}`,
    again: (what: string) => `This needs your word again: ${what}`,
    waits: (what: string) => `Nothing of this is done yet. It waits for your yes or no: ${what}`,
    blocked: () => 'The model that answers refused to speak about this.',
    empty: () => 'I have no answer to that.',
  },
  id: {
    confirmed: (what: string) => `Selesai: ${what}`,
    failed: (what: string) => `Itu tidak berhasil: ${what}`,
    declined: (what: string) => `Dibiarkan seperti semula: ${what}`,
    again: (what: string) => `Ini perlu persetujuanmu lagi: ${what}`,
    waits: (what: string) => `Ini belum dilakukan, dan menunggu jawaban ya atau tidak darimu: ${what}`,
    blocked: () => 'Model yang menjawab menolak membahas hal ini.',
    empty: () => 'Saya tidak punya jawaban untuk itu.',
  },
};

export const turnText = (locale: 'en' | 'id', key: keyof (typeof TEXTS)['en'], what = ''): string =>
  TEXTS[locale][key](what);
