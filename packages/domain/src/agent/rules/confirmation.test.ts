import { expect, test } from 'vitest';
import { readConfirmation } from './confirmation.ts';

test.each([
  'yes',
  'Yes!',
  'y',
  'ok',
  'Okay, please',
  'sure',
  'go ahead',
  'yes, do it',
  'sounds good',
  'confirm',
  '👍',
  '👍🏽',
  '✅',
  'ya',
  'Iya dong',
  'boleh',
  'silakan',
  'oke lanjut',
  'setuju',
  'betul',
  'yes please, thanks',
])('%s is a yes', (text) => {
  expect(readConfirmation(text)).toBe('yes');
});

test.each([
  'no',
  'No.',
  'nope',
  "don't",
  'no, don’t',
  'cancel',
  'never mind',
  'not now',
  'stop',
  '👎',
  '❌',
  'tidak',
  'nggak',
  'jangan',
  'gak jadi',
  'batalkan',
  'nanti saja',
  'tidak usah',
])('%s is a no', (text) => {
  expect(readConfirmation(text)).toBe('no');
});

test.each([
  '',
  'yes but at 9',
  'yes?',
  // Said to end a talk.
  'ok thanks',
  'okay, thank you!',
  'oke makasih',
  'baik, terima kasih',
  'ok, what else is there',
  'no problem at all, go to bed',
  'ya tidak',
  'yes and no',
  'delete everything',
  'maybe',
  '9',
  'yes 2',
  'the answer is yes',
  'please',
  '🎉',
])('%s is neither', (text) => {
  expect(readConfirmation(text)).toBeNull();
});
