type Locale = 'en' | 'id';
type Cause = 'safety' | 'recitation' | 'prohibited' | 'personal' | 'other';

const CAUSES: Record<string, Cause> = {
  SAFETY: 'safety',
  IMAGE_SAFETY: 'safety',
  RECITATION: 'recitation',
  PROHIBITED_CONTENT: 'prohibited',
  BLOCKLIST: 'prohibited',
  SPII: 'personal',
};

const WHY: Record<Locale, Record<Cause, string>> = {
  en: {
    safety: 'because its safety filter objected',
    recitation: 'because it would have repeated a published text word for word',
    prohibited: 'because it holds the content for prohibited',
    personal: 'because it would have shown sensitive personal data',
    other: 'without saying why',
  },
  id: {
    safety: 'karena filter keamanannya keberatan',
    recitation: 'karena jawabannya akan mengulang teks yang sudah terbit kata demi kata',
    prohibited: 'karena isinya dianggap terlarang',
    personal: 'karena jawabannya akan menampilkan data pribadi yang sensitif',
    other: 'tanpa menyebutkan alasannya',
  },
};

const WHAT: Record<Locale, Record<'prompt' | 'answer', (why: string) => string>> = {
  en: {
    prompt: (why) =>
      `The language model refused this message ${why}. Your message is kept; asking in other words may help.`,
    answer: (why) =>
      `The language model stopped its answer ${why}. Your message is kept; asking in other words may help.`,
  },
  id: {
    prompt: (why) => `Model bahasa menolak pesan ini ${why}. Pesan Anda tersimpan; coba tanyakan dengan kata lain.`,
    answer: (why) =>
      `Model bahasa menghentikan jawabannya ${why}. Pesan Anda tersimpan; coba tanyakan dengan kata lain.`,
  },
};

/** Why a model would not answer, for the person. `reason` as the provider names it; `where`: what it objected to. */
export function explainBlock(reason: string, where: 'prompt' | 'answer', locale: Locale): string {
  return WHAT[locale][where](WHY[locale][CAUSES[reason] ?? 'other']);
}
