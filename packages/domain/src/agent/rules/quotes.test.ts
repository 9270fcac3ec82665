import { describe, expect, test } from 'vitest';
import type { PackedItem, Prompt } from '../prompt.ts';
import { item, prompt } from '../testing/prompt.ts';
import { closest } from './closest.ts';
import { quoteAnswer } from './quotes.ts';

let next = 0;
const said = (text: string, over: Partial<PackedItem> = {}): PackedItem => {
  next += 1;
  return item({ id: `i${next}`, citation: next, text, place_id: 'c1', ...over });
};
const quoted = (message: string, parts: Partial<Prompt>): string[] =>
  closest(prompt({ message, ...parts })).map(({ text }) => text);

describe('what is quoted of what was said', () => {
  const history = [
    said('where does Dewi live?'),
    said('Where does dewi live'),
    said('I am allergic to peanuts and my sister Dewi lives in Bandung'),
    said('I met Budi at the gym'),
    said('forget what I said about Dewi'),
  ];

  test('neither the question, nor an earlier asking, nor an order to forget, nor what has none of its words', () => {
    expect(quoted('where does Dewi live?', { history })).toEqual([
      'I am allergic to peanuts and my sister Dewi lives in Bandung',
    ]);
  });

  test('what was asked, if that is what is asked for', () => {
    expect(quoted('what did I ask about Dewi?', { history })).toContain('where does Dewi live?');
  });

  test('no answer of the assistant', () => {
    const answer = said('No language model is set up. Dewi', { origin: 'assistant' });
    expect(quoted('who is Dewi?', { history: [answer] })).toEqual([]);
  });

  test('no answer of ours that an export has brought back', () => {
    const imported = { origin: 'other' } as const;
    const own = [
      said('No language model is set up. The closest things you told me: > “Dewi”', imported),
      said('Dewi is away', imported),
    ];
    expect(quoted('where is Dewi?', { history: own })).toEqual(['Dewi is away']);
  });

  test('what answers a question, although it has none of its words', () => {
    const imported = { origin: 'other', at: '2026-03-01T09:00:00Z' } as const;
    const talk = [
      said('Ana: Where did you spend your holiday?', imported),
      said('Budi: On Belitung, with the kids', { ...imported, at: '2026-03-01T09:01:00Z' }),
      said('Budi: My knee is better', { ...imported, at: '2026-03-04T09:01:00Z' }),
    ];
    expect(quoted('where was the holiday?', { history: talk })).toEqual([
      'Budi: On Belitung, with the kids',
      'Ana: Where did you spend your holiday?',
    ]);
  });

  test('of days that are asked for, what is about the thing; all of those days if no thing is', () => {
    const january = [
      said('It rained', { at: '2026-01-04T03:00:00Z' }),
      said('I lost my umbrella on the train', { at: '2026-01-14T03:00:00Z' }),
      said('The train was late', { at: '2026-02-14T03:00:00Z' }),
    ];
    expect(quoted('what did I say in January about the train?', { history: january })).toEqual([
      'I lost my umbrella on the train',
      'The train was late',
    ]);
    expect(quoted('what did I say in January?', { history: january })).toEqual([
      'It rained',
      'I lost my umbrella on the train',
    ]);
  });

  test('no chance hit beside one that has it all, and nothing twice', () => {
    const need = [
      said('Mochi needs insulin twice a day'),
      said('I need a lamp'),
      said('mochi needs insulin twice a day!'),
    ];
    expect(quoted('how much insulin does Mochi need?', { history: need })).toEqual(['Mochi needs insulin twice a day']);
  });

  test('statements go before orders', () => {
    const told = [said('remind me every weekday at 8 to stretch'), said('Stretching helps my back')];
    expect(quoted('what about stretching?', { history: told })).toEqual([
      'Stretching helps my back',
      'remind me every weekday at 8 to stretch',
    ]);
  });

  test('what is remembered is not said twice', () => {
    const memories = [said('allergy peanuts: I am allergic to peanuts', { kind: 'preference' })];
    const answer = quoteAnswer(
      prompt({ message: 'what am I allergic to?', preferences: memories, history: [said('I am allergic to peanuts')] }),
      'en',
    );
    expect(answer.match(/“/gu)).toHaveLength(1);
    expect(answer).toContain('> “I am allergic to peanuts”\n');
  });
});

describe('what is quoted of the calendar', () => {
  const schedule = [1, 2, 3].map((day) =>
    said(`2026-11-1${day} 08:00 stretch (repeats)`, {
      kind: 'schedule',
      id: 's1',
      at: `2026-11-1${day}T01:00:00Z`,
      leg: 'always',
    }),
  );

  test('of a series the next occurrence alone, with its time once', () => {
    const answer = quoteAnswer(prompt({ message: 'stretch', schedule }), 'en');
    expect(answer.match(/“/gu)).toHaveLength(1);
    expect(answer).toContain('> “stretch (repeats)”\n— Wednesday, 11 November 2026 at 08:00, your calendar [');
  });

  test('nothing, of who asks what they said and did say something', () => {
    const history = [said('remind me every weekday at 8 to stretch')];
    expect(quoted('what did I say about stretching?', { history, schedule })).toEqual([history[0]?.text]);
    expect(quoted('what did I say about stretching?', { schedule })).toHaveLength(1);
  });
});

const said_at_nine = said('remind me today at 9');

describe('what there is nothing to quote for', () => {
  test.each(['thanks!', 'hi', 'Selamat pagi', 'makasih ya'])('%s', (message) => {
    const answer = quoteAnswer(prompt({ message, history: [said('hi there, thanks')] }), 'en');
    expect(answer).toMatch(/^No language model is set up, so I do not converse\./u);
  });

  test('what somebody tells is kept; what they look for was not found', () => {
    expect(quoteAnswer(prompt({ message: 'I met Budi at the gym yesterday' }), 'en')).toContain(
      'is kept, word for word',
    );
    expect(quoteAnswer(prompt({ message: 'tell me about the trip to Bali' }), 'en')).toContain(
      'Nothing that I was told',
    );
    expect(quoteAnswer(prompt({ message: 'dentist address' }), 'en')).toContain('Nothing that I was told');
  });

  test.each(['what time is it?', 'what day is today?', 'Jam berapa sekarang?', 'tanggal berapa hari ini?'])(
    '%s is told by the clock of the person',
    (message) => {
      const said = quoteAnswer(prompt({ message, history: [said_at_nine] }), 'en');
      expect(said).toBe('Thursday, 12 November 2026 at 09:30 (Asia/Jakarta).');
    },
  );

  test.each(['help', 'what can you do?', 'kamu siapa?', 'Bisa apa kamu?'])('%s lists what is understood', (message) => {
    expect(quoteAnswer(prompt({ message }), 'en').split('\n').length).toBeGreaterThan(4);
  });

  test.each(['back to Bali', 'new topic: Bali trip', 'kembali ke Bali'])('%s says where one is', (message) => {
    const context = { id: 'c1', title: 'Bali trip', summary: null };
    expect(quoteAnswer(prompt({ message, context, history: [said('new topic: Bali trip')] }), 'en')).toBe(
      'We are at “Bali trip”.',
    );
  });

  test('a yes that nothing waits for', () => {
    expect(quoteAnswer(prompt({ message: 'yes' }), 'en')).toBe('Nothing waits for a yes or a no.');
    expect(quoteAnswer(prompt({ message: 'ya' }), 'id')).toBe('Tidak ada yang menunggu ya atau tidak.');
  });
});
