import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyse } from './analyse.ts';
import { authorTerms, splitAuthor } from './author-terms.ts';
import { rangeTerms, writtenDateTerms } from './calendar-terms.ts';
import { messageTerms, queryTerms } from './query.ts';

describe('a text', () => {
  it.each([
    ['When are we going to the harbour with the children?', 'en'],
    ['I painted it and she was happy', 'en'],
    ['Kapan kita pergi ke pelabuhan bersama anak-anak?', 'id'],
    ['besok ada meeting sama client jam 9', 'id'],
    ['aku udah kirim bukunya', 'id'],
    ['Pottery class!', 'und'],
    ['Ich habe gestern den Hund gesehen', 'und'],
    ['明日は東京で会議があります', 'und'],
    ['ok', 'en'],
    ['123', 'und'],
    ['', 'und'],
  ])('%j is of language %s', (text, language) => {
    expect(analyse(text).language).toBe(language);
  });

  it.each([
    ['The bakers were running; they ran.', ['baker', 'run', 'run']],
    ['I don’t like Zoë’s café', ['like', 'zoe', 'cafe']],
    ['It was at 9:30, for $1,000.50, on the 7th', ['9:30', '1000.50', '7', 'th']],
    ['Mail me at Bob.X@ex.co.id please', ['mail', 'bob.x@ex.co.id', 'bob', 'x', 'ex', 'co', 'id']],
    ['Dia sedang membaca bukunya', ['baca', 'buku']],
    ['東京で', ['東京', '京で']],
    ['iPhone用', ['iphone', 'iphon', '用']],
    ['We met on 7 May 2023', ['meet', '7', '2023', '@2023-05-07', '@2023-05']],
  ])('%j is found by %j', (text, stems) => {
    expect(analyse(text).stems).toEqual(stems);
  });

  it('in neither language is found by the stems of each', () => {
    expect(analyse('Pottery makanan')).toEqual({
      language: 'und',
      stems: ['pottery', 'potteri', 'makanan', 'makan'],
      length: 2,
    });
  });

  it('whatever stands in it, is found by what it is asked with, and takes little time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const { stems } = analyse(text);
        const has = new Set(stems);
        for (const term of queryTerms(text)) expect(term.stems.some((stem) => has.has(stem))).toBe(true);
      }),
    );
    const began = performance.now();
    for (const unit of ['a', '. ', '東', "a'", 'a@b.', '1,', '7 may ']) analyse(unit.repeat(32_000 / unit.length));
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('a query', () => {
  it('stands for its words in each language, once', () => {
    expect(queryTerms('Did we run? Running!')).toEqual([{ stems: ['run'], weight: 1 }]);
    const [term] = queryTerms('mengirim');
    expect(term?.stems).toEqual(expect.arrayContaining(['irim', 'kirim', 'mengirim']));
  });

  it('says what its dates mean', () => {
    const days = [{ from: '2026-01-05', to: '2026-01-06' }];
    expect(queryTerms('last days', days).flatMap(({ stems }) => stems)).toEqual(
      expect.arrayContaining(['@2026-01-05', '@2026-01-06', '@2026-01']),
    );
  });

  it('for messages asks for who said it, too', () => {
    expect(messageTerms('What did Ana say?').map(({ stems }) => stems[0])).toEqual(['ana', 'sai', 'by:ana', 'by:say']);
  });
});

describe('days', () => {
  it.each([
    ['on 2026-02-30 and 2026-02-03', ['@2026-02-30', '@2026-02', '@2026-02-03']],
    ['3 Agustus 2025', ['@2025-08-03', '@2025-08']],
    ['August 3rd, 2025', ['@2025-08-03', '@2025-08']],
    ['in August 2025', ['@2025-08']],
    ['the 40 May 2025', ['@2025-05']],
    ['may we meet', []],
  ])('in %j are %j', (text, terms) => {
    expect(writtenDateTerms(text)).toEqual(terms);
  });

  it('of a long stretch are its months, of a wrong one none', () => {
    expect(rangeTerms({ from: '2026-01-20', to: '2026-03-01' })).toEqual(['@2026-01', '@2026-02', '@2026-03']);
    expect(rangeTerms({ from: '2026-01-20', to: '2026-01-21' })).toEqual(['@2026-01-20', '@2026-01', '@2026-01-21']);
    expect(rangeTerms({ from: '2026-01-20', to: '2026-01-01' })).toEqual([]);
    expect(rangeTerms({ from: 'never', to: '2026-01-01' })).toEqual([]);
  });
});

describe('who said it', () => {
  it.each([
    ['Ana: hello', null, 'Ana', 'hello'],
    ['Ana Maria: hello: you', null, 'Ana Maria', 'hello: you'],
    ['what I need: bread', null, null, 'what I need: bread'],
    ['At 9:30', null, null, 'At 9:30'],
    ['Ana: hello', 'Budi', 'Budi', 'Ana: hello'],
  ])('%j by %j is %j', (content, author_name, author, text) => {
    expect(splitAuthor({ content, author_name })).toEqual({ author, text });
  });

  it('is each of their names', () => {
    expect(authorTerms('Zoë van Dijk')).toEqual(['by:zoe', 'by:van', 'by:dijk']);
  });
});
