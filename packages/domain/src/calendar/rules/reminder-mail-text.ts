import { type MailLocale, type MailText, shownName } from '../../platform/rules/mail-text.ts';

/** What the mail of a reminder tells. */
export interface ReminderMailWords {
  title: string;
  location: string | null;
  is_all_day: boolean;
  /** ISO 8601. */
  starts_at: string;
  ends_at: string;
  /** IANA name, of the reader. */
  time_zone: string;
  /** Where the schedule can be seen. */
  url: string;
}

/** The mail of a reminder in the language of whoever gets it, with the times of their zone. */
export function reminderMailText(words: ReminderMailWords, locale: MailLocale): MailText {
  const is_indonesian = locale === 'id';
  const title = shownName(words.title) || (is_indonesian ? 'tanpa judul' : 'untitled');
  const when = printWhen(words, is_indonesian ? 'id-ID' : 'en-GB');
  const place = shownName(words.location ?? '');
  const { url } = words;
  if (is_indonesian) {
    return {
      locale,
      subject: `Pengingat: ${title}, ${when}`,
      paragraphs: [
        'Halo,',
        `Anda meminta diingatkan tentang “${title}”.`,
        `Waktu: ${when}`,
        ...(place ? [`Tempat: ${place}`] : []),
      ],
      button: { label: 'Lihat jadwal', url },
      link_hint: 'Jika tombol tidak berfungsi, buka tautan ini:',
      footer: 'Anda menerima surel ini karena Anda memasang pengingat. Pengingat dapat dihapus pada jadwalnya.',
    };
  }
  return {
    locale,
    subject: `Reminder: ${title}, ${when}`,
    paragraphs: [
      'Hello,',
      `You asked to be reminded of “${title}”.`,
      `When: ${when}`,
      ...(place ? [`Where: ${place}`] : []),
    ],
    button: { label: 'See the schedule', url },
    link_hint: 'If the button does not work, open this link:',
    footer: 'You get this mail because you have set a reminder. It can be deleted where the schedule is.',
  };
}

/** A whole day has no time, and its end is the midnight after it. */
function printWhen({ is_all_day, starts_at, ends_at, time_zone }: ReminderMailWords, language: string): string {
  const style = is_all_day
    ? { dateStyle: 'full' as const }
    : { dateStyle: 'full' as const, timeStyle: 'short' as const };
  const format = new Intl.DateTimeFormat(language, { ...style, timeZone: time_zone });
  const from = new Date(starts_at);
  const to = new Date(Math.max(from.getTime(), Date.parse(ends_at) - (is_all_day ? 1 : 0)));
  const range = format.formatRange(from, to);
  return is_all_day ? range : `${range} (${time_zone})`;
}
