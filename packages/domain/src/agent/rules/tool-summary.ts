import { dateOf, DAY_MS } from '../../calendar/rules/civil.ts';
import { explainRule } from '../../calendar/rules/rule-text.ts';
import { parseLocal } from '../../calendar/rules/zones.ts';

/** The languages that the person is spoken to in. */
export type Locale = 'en' | 'id';

/** One text of two. */
export const say = (locale: Locale, en: string, id: string): string => (locale === 'id' ? id : en);

const DAYS = {
  en: ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'],
  id: ['Minggu', 'Senin', 'Selasa', 'Rabu', 'Kamis', 'Jumat', 'Sabtu'],
};
const MONTHS = {
  en: 'January February March April May June July August September October November December'.split(' '),
  id: 'Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember'.split(' '),
};
const CODES = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const EVERY_ID: Record<string, string> = {
  HOURLY: 'jam',
  DAILY: 'hari',
  WEEKLY: 'minggu',
  MONTHLY: 'bulan',
  YEARLY: 'tahun',
};

/** Characters of a text that is quoted in a summary: of what names something, and of what would be written. */
const MAX_QUOTED = 120;
const MAX_WRITTEN = 500;
/** What is not seen, or turns around what is: nobody can confirm it. */
const UNSEEN = /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** A text in quotes, of one line, that cannot end them itself; cut where it is long, with how many characters more there are. */
export function quote(text: string, most = MAX_QUOTED): string {
  const line = text
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(UNSEEN, '')
    .replaceAll(/[“”„‟]/gu, '"')
    .trim();
  if (line.length <= most) return `“${line}”`;
  const kept = line.slice(0, most).replace(/[\ud800-\udbff]$/, '');
  return `“${kept}…” (+${line.length - kept.length})`;
}

/** What would be written. */
export const quoteWritten = (text: string): string => quote(text, MAX_WRITTEN);

/** `Monday 2 March 2026, 09:00 (Asia/Jakarta)`; of a whole day without time and zone. */
export function sayTime(local: string, time_zone: string | null, locale: Locale): string {
  const ms = parseLocal(local);
  const days = Math.floor(ms / DAY_MS);
  const { year, month, day } = dateOf(days);
  const weekday = DAYS[locale][(((days + 4) % 7) + 7) % 7] ?? '';
  const date = `${weekday} ${day} ${MONTHS[locale][month - 1] ?? ''} ${year}`;
  const dated = locale === 'id' ? date.replace(' ', ', ') : date;
  if (!local.includes('T')) return dated;
  const clock = local.slice(11, 16);
  const time = locale === 'id' ? `pukul ${clock.replace(':', '.')}` : clock;
  return `${dated}, ${time}${time_zone === null ? '' : ` (${time_zone})`}`;
}

/** A normalised rule in words. */
export function sayRule(
  rrule: string,
  start: { starts_local: string; time_zone: string | null },
  locale: Locale,
): string {
  if (locale === 'en') return explainRule(rrule, { ...start, is_all_day: !start.starts_local.includes('T') });
  const parts = new Map(rrule.split(';').map((part) => part.split('=') as [string, string]));
  const unit = EVERY_ID[parts.get('FREQ') ?? ''];
  const known = ['FREQ', 'INTERVAL', 'BYDAY', 'COUNT', 'UNTIL', 'WKST'];
  const days = parts.get('BYDAY')?.split(',') ?? [];
  if (
    unit === undefined ||
    [...parts.keys()].some((key) => !known.includes(key)) ||
    days.some((day) => !CODES.includes(day))
  )
    return `berulang: ${rrule}`;
  const interval = Number(parts.get('INTERVAL') ?? '1');
  const named = days.map((day) => DAYS.id[CODES.indexOf(day)] ?? '').join(', ');
  const until = parts.get('UNTIL');
  const count = parts.get('COUNT');
  return [
    interval === 1 ? `setiap ${unit}` : `setiap ${interval} ${unit}`,
    named === '' ? '' : ` pada ${named}`,
    count === undefined ? '' : `, ${count} kali`,
    until === undefined
      ? ''
      : `, sampai ${sayTime(`${until.slice(0, 4)}-${until.slice(4, 6)}-${until.slice(6, 8)}`, null, 'id')}`,
  ].join('');
}
