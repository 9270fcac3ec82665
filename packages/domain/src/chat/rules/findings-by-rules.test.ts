import { describe, expect, test } from 'vitest';
import { checkFindings } from '../../agent/rules/check-findings.ts';
import { findingsByRules } from './findings-by-rules.ts';

const at = { message_at: '2026-11-21T03:00:00Z', time_zone: 'Asia/Jakarta' };
const find = (message: string, known: Parameters<typeof findingsByRules>[0]['known'] = []) =>
  findingsByRules({ message, known, ...at });
const brief = (message: string): string[] =>
  find(message).map(({ kind, subject, attribute, quote }) => `${kind} ${subject} ${attribute ?? '-'}: ${quote}`);

describe('what people say of themselves', () => {
  test.each([
    ['I prefer tea over coffee', 'preference user about tea'],
    ['I really prefer short answers', 'preference user about short answers'],
    ['I like spicy food.', 'preference user about spicy food'],
    ['I love hiking!', 'preference user about hiking'],
    ['I hate early meetings', 'preference user about early meetings'],
    ["I don't like olives", 'preference user about olives'],
    ['I don’t eat pork', 'preference user about pork'],
    ["I can't stand cilantro", 'preference user about cilantro'],
    ["I'm allergic to peanuts", 'fact user allergy peanuts'],
    ['I have a gluten intolerance', 'fact user allergy gluten'],
    ["I'm a vegetarian", 'fact user diet'],
    ['My favourite colour is blue', 'fact user favourite colour'],
    ['My wifi network is Nebula', 'fact user wifi network'],
    ['My name is Ada Lovelace', 'fact user name'],
    ['Call me Ada', 'preference user form of address'],
    ['I live in Jakarta', 'fact user home'],
    ['I just moved to Bandung', 'fact user home'],
    ['I work at Acme', 'fact user work'],
    ["I'm working as a nurse", 'fact user work'],
    ["I'm from Medan", 'fact user origin'],
    ["I'm turning 40 next month", 'fact user age'],
    ['I was born in 1986', 'fact user birth'],
    ["I'm a software engineer", 'fact user occupation'],
    ['Always answer in Indonesian', 'rule user -'],
    ['Never schedule anything before 9', 'rule user -'],
    ['From now on, keep it short', 'rule user -'],
    ['By the way, I live in Oslo', 'fact user home'],
    ['Aku suka kopi', 'preference user about kopi'],
    ['Saya tidak suka pedas', 'preference user about pedas'],
    ['aku lebih suka teh daripada kopi', 'preference user about teh'],
    ['Aku gak makan babi', 'preference user about babi'],
    ['Saya alergi udang', 'fact user allergy udang'],
    ['Nama saya Budi', 'fact user name'],
    ['namaku Sinta', 'fact user name'],
    ['Panggil aku Bud', 'preference user form of address'],
    ['Saya tinggal di Depok', 'fact user home'],
    ['Aku kerja di Tokopedia', 'fact user work'],
    ['umurku 30 tahun', 'fact user age'],
    ['ulang tahunku 5 Mei', 'fact user birthday'],
    ['Mulai sekarang jawab singkat saja', 'rule user -'],
    ['Jangan pernah kirim email malam hari', 'rule user -'],
    ['Makanan favoritku rendang', 'fact user makanan favorit'],
  ])('%s', (message, expected) => {
    expect(brief(message).map((line) => line.slice(0, line.indexOf(':')))).toEqual([expected]);
  });
});

describe('what they say of others is not theirs', () => {
  test.each([
    ["My sister's birthday is 5 May", 'sister', 'birthday'],
    ['My sister lives in Oslo', 'sister', 'home'],
    ['My wife is Ana', 'wife', 'name'],
    ['My boss works at Acme', 'boss', 'work'],
    ['My son is allergic to nuts', 'son', 'allergies'],
    ['My brother is a pilot', 'brother', 'what they are'],
    ['Adikku tinggal di Solo', 'adik', 'home'],
    ['Ulang tahun ibuku 5 Mei', 'ibu', 'ulang tahun'],
    ['Anak saya alergi kacang', 'anak', 'allergies'],
    ['My sister Dewi lives in Bandung', 'sister dewi', 'home'],
    ['Adikku Dewi tinggal di Solo', 'dewi', 'home'],
    ['Kakak saya Rina kerja sebagai dokter', 'rina', 'work'],
    ['Our son Raka is allergic to nuts', 'son raka', 'allergies'],
  ])('%s', (message, subject, attribute) => {
    expect(find(message)).toMatchObject([{ subject, attribute }]);
  });
});

describe('what is no fact', () => {
  test.each([
    ...[
      'Do I like coffee?',
      'Is my name Ada?',
      'what is my favourite colour?',
      'where do I live?',
      'If I lived in Paris I would like it',
    ],
    ...[
      'If I live in Oslo, I need a coat',
      'Maybe I like jazz',
      'Imagine I live on Mars',
      'I would like a coffee',
      "I'd like to book a room",
    ],
    ...[
      'She said "I like tea"',
      'he says I prefer tea',
      'Budi likes coffee',
      'My sister asked whether I like tea?',
      'I like it',
      'I love that',
    ],
    ...[
      'I like your answer',
      'I hate when it rains',
      'I used to live in Rome',
      'call me back later',
      'call me at 5',
      'my question is simple',
    ],
    ...[
      'my phone is broken',
      'I work in progress',
      'never mind',
      'I always wanted a dog',
      '> I like tea',
      '```\nI like tea\n```',
    ],
    ...[
      'remember that I like tea',
      'translate: I like tea',
      'Apakah aku suka kopi?',
      'Kalau aku tinggal di Bali, enak ya',
      'dulu aku tinggal di Solo',
    ],
    ...['Budi suka kopi', 'katanya aku suka kopi', 'dia tinggal di Depok', 'mungkin saya alergi udang', '', 'ok', '👍'],
  ])('%s', (message) => {
    expect(brief(message)).toEqual([]);
  });
});

test('each sentence counts, and each part that begins anew', () => {
  expect(find('I live in Oslo and I work at Acme. Do you like it? I hate rain.').map(({ quote }) => quote)).toEqual([
    'I live in Oslo',
    'I work at Acme',
    'I hate rain',
  ]);
});

test.each([
  ['I am allergic to peanuts and my sister Dewi lives in Bandung', 2],
  ["I'm vegan, my wife is allergic to shrimp, and I live in Solo", 3],
  ['Saya alergi kacang dan adikku Dewi tinggal di Solo', 2],
  ['Aku suka kopi, istriku suka teh', 2],
  ['If I move, I live in Oslo', 0],
  ['My sister Dewi no longer lives in Bandung', 0],
])('%s: %i', (message, count) => {
  const found = find(message);
  expect(found).toHaveLength(count);
  expect(checkFindings(found, { message, known: [] }).accepted).toHaveLength(count);
});

test('a correction names what it takes the place of; the same again does not', () => {
  const known = [{ id: 'k1', kind: 'fact' as const, subject: 'user', attribute: 'home', content: 'I live in Jakarta' }];
  expect(find('Actually, I live in Oslo', known)).toMatchObject([{ supersedes: 'k1', quote: 'I live in Oslo' }]);
  expect(find('I live in Jakarta', known)).toMatchObject([{ supersedes: null }]);
  expect(find('My sister lives in Oslo', known)).toMatchObject([{ supersedes: null }]);
  const tea = [
    {
      id: 'k2',
      kind: 'preference' as const,
      subject: 'user',
      attribute: 'about tea',
      content: 'I prefer tea over coffee',
    },
  ];
  expect(find('I prefer coffee over tea', tea)).toMatchObject([{ supersedes: 'k2' }]);
  expect(find('I prefer trains over planes', tea)).toMatchObject([{ supersedes: null }]);
});

test('what is found passes the checks that a model is held to', () => {
  for (const message of [
    "By the way, I'm allergic to peanuts and I live in Oslo!",
    'Halo, nama saya Budi. Saya tinggal di Depok.',
  ]) {
    const found = find(message);
    expect(found).toHaveLength(2);
    expect(checkFindings(found, { message, known: [] })).toEqual({ accepted: found, refused: {} });
  }
});
