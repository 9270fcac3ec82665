import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textTerms, windowTerms, type WindowMessage } from './window-terms.ts';

const said = (content: string, minute: number): WindowMessage => ({
  message_id: `${minute}`,
  content,
  author_name: null,
  created_at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
  mentions: [],
});
const weigh = (messages: WindowMessage[]): Record<string, number>[] =>
  windowTerms(messages).map(({ terms }) => Object.fromEntries(terms));

describe('a message', () => {
  it('has its own words before those of its neighbours, and nothing of who stands further away', () => {
    const [, , third] = weigh([
      said('heron', 0),
      said('badger', 1),
      said('otter', 2),
      said('walrus', 3),
      said('lynx', 4),
    ]);
    expect(third).not.toHaveProperty('heron');
    expect(third).not.toHaveProperty('lynx');
    expect(third?.['otter']).toBeGreaterThan(third?.['badger'] ?? NaN);
    expect(third?.['badger']).toBe(third?.['walrus']);
  });

  it('that follows a question has what that is found by, what follows a statement has not', () => {
    const [, , asked] = weigh([said('heron', 0), said('badger?', 1), said('otter', 2)]);
    const [, , told] = weigh([said('heron', 0), said('badger.', 1), said('otter', 2)]);
    expect(asked?.['heron']).toBeGreaterThan(0);
    expect(told).not.toHaveProperty('heron');
    expect(asked?.['badger']).toBeGreaterThan(told?.['badger'] ?? NaN);
  });

  it('has no neighbour more than six hours away', () => {
    expect(weigh([said('heron', 0), said('badger', 360)])[1]).toHaveProperty('heron');
    expect(weigh([said('heron', 0), said('badger', 361)])[1]).not.toHaveProperty('heron');
  });

  it('has its day, which is not its neighbours', () => {
    const [first, second] = weigh([
      said('heron', 0),
      { ...said('badger', 1), mentions: [{ from: '2025-05-05', to: '2025-05-05' }] },
    ]);
    expect(second).toMatchObject({ '@2026-01-01': 1, '@2025-05-05': 1, '@2025-05': 1 });
    expect(first).not.toHaveProperty('@2025-05-05');
  });

  it('is what it is, however many stand around: the two before and the one after are enough', () => {
    const content = fc
      .tuple(fc.subarray(['heron', 'badger', 'otter', 'lynx', 'and the', '?']))
      .map(([words]) => words.join(' '));
    fc.assert(
      fc.property(fc.array(content, { minLength: 5, maxLength: 12 }), fc.nat(), (contents, n) => {
        const messages = contents.map((text, minute) => said(text, minute));
        const at = n % messages.length;
        const from = Math.max(at - 2, 0);
        const near = windowTerms(messages.slice(from, at + 2))[at - from];
        expect(near).toEqual(windowTerms(messages)[at]);
      }),
    );
  });
});

it('a text has at most a thousand terms, those that weigh most', () => {
  const words = Array.from({ length: 3_000 }, (_, n) => `w${n}x`).join(' ');
  const terms = textTerms(`${words} heron heron heron`);
  expect(terms).toHaveLength(1_000);
  expect(terms[0]?.[0]).toBe('heron');
});
