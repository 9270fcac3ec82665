import { expect, test } from 'vitest';
import { isQuestion, sharedTerms, tellingOf, wantedTerms } from './quotable.ts';

const at = { now: '2026-11-21T03:00:00Z', time_zone: 'Asia/Jakarta' };

test.each([
  ['I met Budi at the gym yesterday', 'statement'],
  ['When I was five, we moved to Bali', 'statement'],
  ['I moved to Bali. Do you remember?', 'statement'],
  ['remember that my passport expires on 3 May 2027', 'statement'],
  ['Dewi tinggal di Bandung', 'statement'],
  ['where does Dewi live?', 'question'],
  ['Where does dewi live', 'question'],
  ['aku alergi apa', 'question'],
  ['Kapan Budi datang', 'question'],
  ['Hi! Is there any news?', 'question'],
  ['remind me every weekday at 8 to stretch', 'order'],
  ['jadwalkan senam setiap Sabtu jam 7 pagi', 'order'],
  ['what is on my calendar tomorrow?', 'nothing'],
  ['forget what I said about Dewi', 'nothing'],
  ['undo', 'nothing'],
  ['new topic: Bali trip', 'nothing'],
  ['back to Bali', 'nothing'],
  ['new topic: we stay in Ubud from 3 to 8 January with Ana', 'statement'],
  ['yes', 'nothing'],
  ['thanks a lot!', 'nothing'],
  ['terima kasih banyak', 'nothing'],
])('%s: %s', (text, telling) => {
  expect(tellingOf(text, at)).toBe(telling);
});

test('words that only ask for what was said are not looked for', () => {
  expect(wantedTerms('what did I tell you about Budi?').map(({ stems }) => stems[0])).toEqual(['budi']);
  expect(sharedTerms(wantedTerms('apa yang kubilang soal Budi?'), 'kubilang nanti saja')).toBe(0);
});

test('a question is one as a whole', () => {
  expect(isQuestion('Thanks. What is next?')).toBe(true);
  expect(isQuestion('What a day')).toBe(false);
});
