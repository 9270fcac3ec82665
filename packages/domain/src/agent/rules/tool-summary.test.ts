import { describe, expect, it } from 'vitest';
import { quote, sayRule, sayTime } from './tool-summary.ts';

const start = { starts_local: '2026-03-02T09:00:00', time_zone: 'Asia/Jakarta' };

describe('a summary', () => {
  it('says times absolutely, with their zone, in the language of the person', () => {
    expect(sayTime('2026-03-02T09:05:00', 'Asia/Jakarta', 'en')).toBe('Monday 2 March 2026, 09:05 (Asia/Jakarta)');
    expect(sayTime('2026-03-02T09:05:00', 'Asia/Jakarta', 'id')).toBe(
      'Senin, 2 Maret 2026, pukul 09.05 (Asia/Jakarta)',
    );
    expect(sayTime('2024-02-29', null, 'en')).toBe('Thursday 29 February 2024');
    expect(sayTime('1969-12-31', null, 'id')).toBe('Rabu, 31 Desember 1969');
  });

  it.each([
    ['FREQ=DAILY', 'every day', 'setiap hari'],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR', 'every 2 weeks on Monday, Friday', 'setiap 2 minggu pada Senin, Jumat'],
    ['FREQ=DAILY;COUNT=3', 'every day, 3 times', 'setiap hari, 3 kali'],
    ['FREQ=MONTHLY;BYMONTHDAY=-1', 'every month on the last day', 'berulang: FREQ=MONTHLY;BYMONTHDAY=-1'],
  ])('says %s in words', (rrule, en, id) => {
    expect([sayRule(rrule, start, 'en'), sayRule(rrule, start, 'id')]).toEqual([en, id]);
  });

  it('quotes on one line, cut where it is long, never within a sign', () => {
    expect(quote(' a\n b ')).toBe('“a b”');
    const long = quote(`${'a'.repeat(119)}😀😀`);
    expect([long.isWellFormed(), long.endsWith('a…” (+4)')]).toEqual([true, true]);
  });

  it('quotes what is seen, and nothing that ends its quotes or hides', () => {
    expect(quote('Stretch”: tomorrow. “No')).toBe('“Stretch": tomorrow. "No”');
    expect(quote('a\u202eb\u2066c\u200bd\u{e0041}\u0007e')).toBe('“abcde”');
    expect(quote('👨‍👩‍👧 ok')).toBe('“👨‍👩‍👧 ok”');
  });
});
