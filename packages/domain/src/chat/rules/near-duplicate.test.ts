import { describe, expect, it } from 'vitest';
import { isSameAttribute, isSameMeaning, meaningOf } from './near-duplicate.ts';

const same = (a: string, b: string): boolean => isSameMeaning(meaningOf(a), meaningOf(b));

/** Five facts in three wordings each. */
const FACTS = [
  ['I am allergic to peanuts', 'I have a peanut allergy', 'The user is allergic to peanuts.'],
  ['I live in Jakarta', 'My home is in Jakarta', 'The user is currently living in Jakarta'],
  ["My dog's name is Rex", 'I have a dog called Rex', 'Rex is my dog'],
  ['I work as a nurse at Siloam hospital', "I'm a nurse at Siloam hospital", 'My job is nurse at Siloam hospital'],
  ['I really love black coffee', 'I like black coffee', 'User enjoys black coffee'],
];

describe('the same in other words', () => {
  it('five facts in three wordings are five', () => {
    for (const [n, wordings] of FACTS.entries())
      for (const a of wordings) {
        for (const b of wordings) expect(same(a, b), `${a} / ${b}`).toBe(true);
        for (const other of FACTS.filter((_, m) => m !== n).flat())
          expect(same(a, other), `${a} / ${other}`).toBe(false);
      }
  });

  it('is found in Indonesian', () => {
    expect(same('Saya tinggal di Bandung', 'aku sekarang tinggal di bandung')).toBe(true);
    expect(same('Saya suka kopi', 'Aku menyukai kopi')).toBe(true);
    expect(same('Saya tidak suka kopi', 'Saya suka kopi')).toBe(false);
  });

  it.each([
    ['prefers meetings before noon', 'prefers meetings after noon'],
    ['likes tea', 'dislikes tea'],
    ['likes tea', "doesn't like tea"],
    ['likes tea', 'likes iced tea'],
    ['lives in Jakarta', 'works in Jakarta'],
    ['lives in Jakarta', 'lived in Jakarta'.replace('lived', 'formerly lived')],
    ['is a nurse', 'was a nurse'],
    ['has 2 children', 'has 3 children'],
    ['dentist on Monday (2026-11-23)', 'dentist on Monday (2026-11-30)'],
    ['always answer in English', 'never answer in English'],
    ['my sister is Maria', 'my sister is Mariana'],
    ['the boss of Anna is Budi', 'the boss of Budi is Anna'],
    ['meetings in the morning', 'meetings in the evening'],
    ['flies from Jakarta to Bali', 'flies to Jakarta from Bali'],
    ['writes C', 'writes C++ and Go'],
    ['can eat gluten', 'cannot eat gluten'],
    ['takes sugar with coffee', 'takes coffee without sugar'],
  ])('is not taken for a contradiction or something more: %s / %s', (a, b) => {
    expect(same(a, b)).toBe(false);
  });
});

it('an attribute is one in another spelling, and another one is another', () => {
  expect(isSameAttribute('favourite colour', 'Favorite color')).toBe(true);
  expect(isSameAttribute('home city', 'City of home')).toBe(true);
  expect(isSameAttribute('home city', 'work city')).toBe(false);
  expect(isSameAttribute('wife', 'husband')).toBe(false);
  expect(isSameAttribute('home', 'job')).toBe(false);
});
