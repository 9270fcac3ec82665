import { dateOf, DAY_MS, weekday } from '../../calendar/rules/civil.ts';
import { parseLocal } from '../../calendar/rules/zones.ts';
import type { Recurrence } from './recurrence-words.ts';
import type { Settled, Unclear } from './resolve-when.ts';

export type Language = 'en' | 'id';

const WEEKDAYS: Readonly<Record<Language, readonly string[]>> = {
  en: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  id: ['Senin', 'Selasa', 'Rabu', 'Kamis', 'Jumat', 'Sabtu', 'Minggu'],
};
const MONTHS: Readonly<Record<Language, readonly string[]>> = {
  en: 'January February March April May June July August September October November December'.split(' '),
  id: 'Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember'.split(' '),
};

/** `Monday, 23 November 2026`, of `2026-11-23` or a wall clock of that day. */
export function sayDay(local: string, language: Language): string {
  const days = Math.floor(parseLocal(local.slice(0, 10)) / DAY_MS);
  const { year, month, day } = dateOf(days);
  return `${WEEKDAYS[language][weekday(days)] ?? ''}, ${day} ${MONTHS[language][month - 1] ?? ''} ${year}`;
}

/** `08:00`, in Indonesian `08.00`. */
export const sayTime = (local: string, language: Language): string =>
  language === 'en' ? local.slice(11, 16) : local.slice(11, 16).replace(':', '.');

/** `Monday, 23 November 2026 at 08:00`. */
export function sayLocal(local: string, language: Language): string {
  if (local.length === 10) return sayDay(local, language);
  return `${sayDay(local, language)} ${language === 'en' ? 'at' : 'pukul'} ${sayTime(local, language)}`;
}

const NTH: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en: { '1': 'first', '2': 'second', '3': 'third', '4': 'fourth', '-1': 'last' },
  id: { '1': 'pertama', '2': 'kedua', '3': 'ketiga', '4': 'keempat', '-1': 'terakhir' },
};
const UNITS: Readonly<Record<Language, Readonly<Record<Recurrence['freq'], string>>>> = {
  en: { MINUTELY: 'minute', HOURLY: 'hour', DAILY: 'day', WEEKLY: 'week', MONTHLY: 'month', YEARLY: 'year' },
  id: { MINUTELY: 'menit', HOURLY: 'jam', DAILY: 'hari', WEEKLY: 'minggu', MONTHLY: 'bulan', YEARLY: 'tahun' },
};

/** `every Monday and Thursday`, `setiap hari kerja`. */
export function sayRule(rule: Recurrence, language: Language): string {
  const { freq, interval, weekdays, nth, month_day, month } = rule;
  const [every, and] = language === 'en' ? ['every', 'and'] : ['setiap', 'dan'];
  const is_workdays = weekdays.join() === '0,1,2,3,4';
  const names = is_workdays
    ? language === 'en'
      ? 'weekday'
      : 'hari kerja'
    : listed(
        weekdays.map((day) => WEEKDAYS[language][day] ?? ''),
        and,
      );
  if (nth !== null) {
    const which = NTH[language][String(nth)] ?? String(nth);
    return language === 'en' ? `the ${which} ${names} of every month` : `${names} ${which} setiap bulan`;
  }
  const unit = UNITS[language][freq];
  const base = interval > 1 ? `${every} ${interval} ${unit}${language === 'en' ? 's' : ''}` : `${every} ${unit}`;
  if (month_day !== null) {
    const day = month_day < 0 ? (language === 'en' ? 'last day' : 'hari terakhir') : nthDay(month_day, language);
    const of = month === null ? '' : ` ${MONTHS[language][month - 1] ?? ''}`;
    return language === 'en' ? `${base} on the ${day}${of && ` of${of}`}` : `${base} tanggal ${day}${of}`;
  }
  if (weekdays.length === 0) return base;
  if (interval === 1) return `${every} ${names}`;
  return language === 'en' ? `${base} on ${names}` : `${base} pada ${names}`;
}

const nthDay = (day: number, language: Language): string => {
  if (language === 'id') return String(day);
  const ending = day % 100 > 10 && day % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th');
  return `${day}${ending}`;
};

const listed = (words: readonly string[], and: string): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${and} ${words.at(-1) ?? ''}`;

/** What was understood, absolute: the first time with its weekday, the rule, the end and the zone. */
export function saySettled(settled: Settled, time_zone: string, language: Language): string {
  const { starts_local, ends_local, duration_minutes, recurrence, rrule, is_all_day } = settled;
  const parts = [sayLocal(starts_local, language) + sayEnd(starts_local, ends_local, is_all_day, language)];
  if (duration_minutes !== null)
    parts.push(language === 'en' ? `for ${duration_minutes} minutes` : `selama ${duration_minutes} menit`);
  if (recurrence) {
    parts[0] = `${sayRule(recurrence, language)}, ${language === 'en' ? 'first on' : 'pertama kali'} ${parts[0] ?? ''}`;
    parts.push(sayLast(rrule ?? '', language));
  }
  if (is_all_day) parts.push(language === 'en' ? 'all day' : 'sepanjang hari');
  return `${parts.filter((part) => part !== '').join(', ')} (${time_zone})`;
}

function sayEnd(starts: string, ends: string | null, is_all_day: boolean, language: Language): string {
  if (ends === null) return '';
  const to = language === 'en' ? ' to ' : ' sampai ';
  if (!is_all_day)
    return ends.slice(0, 10) === starts.slice(0, 10) ? `–${sayTime(ends, language)}` : to + sayLocal(ends, language);
  const last = new Date(parseLocal(ends) - DAY_MS).toISOString().slice(0, 10);
  return last === starts ? '' : to + sayDay(last, language);
}

function sayLast(rrule: string, language: Language): string {
  const count = /COUNT=(\d+)/u.exec(rrule)?.[1];
  if (count !== undefined) return language === 'en' ? `${count} times` : `${count} kali`;
  const until = /UNTIL=(\d{4})(\d\d)(\d\d)/u.exec(rrule);
  if (!until) return '';
  const day = `${until[1] ?? ''}-${until[2] ?? ''}-${until[3] ?? ''}`;
  return `${language === 'en' ? 'until' : 'sampai'} ${sayDay(day, language)}`;
}

const QUESTIONS: Readonly<
  Record<Unclear | 'what' | 'which_canvas' | 'new_time' | 'which_schedule', Readonly<Record<Language, string>>>
> = {
  when: { en: 'When? Please give a day and a time.', id: 'Kapan? Sebutkan hari dan jamnya.' },
  time: { en: 'At what time?', id: 'Jam berapa?' },
  day: { en: 'On which day?', id: 'Hari apa?' },
  past: { en: 'That time has passed. When instead?', id: 'Waktu itu sudah lewat. Jadi kapan?' },
  too_often: { en: 'It can repeat every hour at most. How often?', id: 'Paling sering setiap jam. Seberapa sering?' },
  length: { en: 'For how long?', id: 'Berapa lama?' },
  what: { en: 'Of what?', id: 'Tentang apa?' },
  which_canvas: { en: 'On which canvas or list?', id: 'Di kanvas atau daftar yang mana?' },
  new_time: { en: 'To when should it move?', id: 'Dipindah ke kapan?' },
  which_schedule: { en: 'Which one? Please name it.', id: 'Yang mana? Sebutkan namanya.' },
};

/** What is asked back, always in the same words, so that the answer to it is known as one. */
export const ask = (what: keyof typeof QUESTIONS, language: Language): string => QUESTIONS[what][language];

/** Whether a text is a question of ours. */
export const isOurQuestion = (text: string): boolean =>
  Object.values(QUESTIONS).some((by_language) => Object.values(by_language).includes(text.trim()));
