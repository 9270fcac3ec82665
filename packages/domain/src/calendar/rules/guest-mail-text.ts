import { type MailLocale, type MailText, shownName } from '../../platform/rules/mail-text.ts';
import { readParts } from './rule-parts.ts';
import { parseLocal, toInstant, toLocal } from './zones.ts';

/** What a mail to a guest is about: they are invited, it changed, or they are no longer. */
export type GuestMailKind = 'invited' | 'updated' | 'cancelled';

/** What a mail to a guest tells. */
export interface GuestMailFacts {
  kind: GuestMailKind;
  title: string;
  organiser_name: string;
  location: string | null;
  is_all_day: boolean;
  starts_local: string;
  time_zone: string | null;
  duration_seconds: number;
  rrule: string | null;
  /** Where it can be answered; null: there is nothing to answer. */
  url: string | null;
}

interface Language {
  tag: string;
  untitled: string;
  someone: string;
  hello: string;
  when: string;
  where: string;
  attached: string;
  label: string;
  link_hint: string;
  footer: string;
  subject: Record<GuestMailKind, (title: string, when: string) => string>;
  news: Record<GuestMailKind, (who: string, title: string) => string>;
  every: (unit: string, interval: number) => string;
}

const ENGLISH: Language = {
  tag: 'en-GB',
  untitled: 'untitled',
  someone: 'Someone',
  hello: 'Hello,',
  when: 'When',
  where: 'Where',
  attached: 'Answer here, or put it into your calendar from the attachment.',
  label: 'Answer the invitation',
  link_hint: 'If the button does not work, open this link:',
  footer: 'If you do not know who invited you, ignore this mail: without your answer nothing happens.',
  subject: {
    invited: (title, when) => `Invitation: ${title}, ${when}`,
    updated: (title, when) => `Changed: ${title}, ${when}`,
    cancelled: (title, when) => `Cancelled: ${title}, ${when}`,
  },
  news: {
    invited: (who, title) => `${who} invites you to “${title}”.`,
    updated: (who, title) => `“${title}”, to which ${who} invited you, has changed.`,
    cancelled: (who, title) => `“${title}”, to which ${who} invited you, was cancelled, or you are no longer invited.`,
  },
  every: (unit, interval) => {
    const name = { YEARLY: 'year', MONTHLY: 'month', WEEKLY: 'week', DAILY: 'day', HOURLY: 'hour' }[unit];
    return name === undefined ? 'recurring' : interval === 1 ? `every ${name}` : `every ${interval} ${name}s`;
  },
};

const INDONESIAN: Language = {
  tag: 'id-ID',
  untitled: 'tanpa judul',
  someone: 'Seseorang',
  hello: 'Halo,',
  when: 'Waktu',
  where: 'Tempat',
  attached: 'Jawab di sini, atau masukkan ke kalender Anda dari lampiran.',
  label: 'Jawab undangan',
  link_hint: 'Jika tombol tidak berfungsi, buka tautan ini:',
  footer: 'Jika Anda tidak mengenal pengundang, abaikan surel ini: tanpa jawaban Anda tidak terjadi apa-apa.',
  subject: {
    invited: (title, when) => `Undangan: ${title}, ${when}`,
    updated: (title, when) => `Perubahan: ${title}, ${when}`,
    cancelled: (title, when) => `Dibatalkan: ${title}, ${when}`,
  },
  news: {
    invited: (who, title) => `${who} mengundang Anda ke “${title}”.`,
    updated: (who, title) => `“${title}”, undangan dari ${who}, telah berubah.`,
    cancelled: (who, title) => `“${title}”, undangan dari ${who}, dibatalkan, atau Anda tidak lagi diundang.`,
  },
  every: (unit, interval) => {
    const name = { YEARLY: 'tahun', MONTHLY: 'bulan', WEEKLY: 'minggu', DAILY: 'hari', HOURLY: 'jam' }[unit];
    return name === undefined ? 'berulang' : interval === 1 ? `setiap ${name}` : `setiap ${interval} ${name}`;
  },
};

/** The mail to a guest in their language. Their zone nobody knows: the times are those of the schedule, which it names. */
export function guestMailText(facts: GuestMailFacts, locale: MailLocale): MailText {
  const words = locale === 'id' ? INDONESIAN : ENGLISH;
  const title = shownName(facts.title) || words.untitled;
  const who = shownName(facts.organiser_name) || words.someone;
  const place = shownName(facts.location ?? '');
  const when = printWhen(facts, words);
  const { url } = facts;
  return {
    locale,
    subject: words.subject[facts.kind](title, when),
    paragraphs: [
      words.hello,
      words.news[facts.kind](who, title),
      `${words.when}: ${when}${facts.rrule === null ? '' : `, ${printRepeat(facts.rrule, words)}`}`,
      ...(place ? [`${words.where}: ${place}`] : []),
      ...(url === null ? [] : [words.attached]),
    ],
    button: url === null ? null : { label: words.label, url },
    link_hint: words.link_hint,
    footer: words.footer,
  };
}

function printRepeat(rrule: string, { every }: Language): string {
  const parts = readParts(rrule);
  return every(parts.get('FREQ') ?? '', Number(parts.get('INTERVAL') ?? 1));
}

/** Wall clocks, read as UTC. A whole day has no time, and its end is the midnight after it. */
function printWhen(
  { is_all_day, starts_local, time_zone, duration_seconds }: GuestMailFacts,
  { tag }: Language,
): string {
  const from = parseLocal(starts_local);
  const length = duration_seconds * 1_000;
  const to = time_zone === null ? from + length : toLocal(toInstant(from, time_zone) + length, time_zone);
  const style = is_all_day
    ? { dateStyle: 'full' as const }
    : { dateStyle: 'full' as const, timeStyle: 'short' as const };
  const format = new Intl.DateTimeFormat(tag, { ...style, timeZone: 'UTC' });
  const range = format.formatRange(from, Math.max(from, to - (is_all_day ? 1 : 0)));
  return time_zone === null ? range : `${range} (${time_zone})`;
}
