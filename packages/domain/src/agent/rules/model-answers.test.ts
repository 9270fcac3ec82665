import { describe, expect, test } from 'vitest';
import { explainBlock } from './explain-block.ts';
import { assessment, judgementOf, problemOf, withoutFence } from './model-answers.ts';
import { ASSUMED_PRICES, priceOf } from './prices.ts';

const brief = (id: string) => ({ id, title: id, summary: null, last_message_at: '2026-11-12T02:00:00.000Z' });
const judgement = judgementOf({ active: brief('c1'), others: [brief('c2')] });
const read = (value: object) => judgement.safeParse({ confidence: 0.5, ...value });

describe('a judgement', () => {
  test.each([
    [{ decision: 'continue' }, { decision: 'continue', context_id: null, title: null }],
    [
      { decision: 'continue', title: 'x', context_id: 'c2' },
      { decision: 'continue', context_id: null, title: null },
    ],
    [
      { decision: 'switch', context_id: 'c2' },
      { decision: 'switch', context_id: 'c2', title: null },
    ],
    [
      { decision: 'switch', context_id: 'c1' },
      { decision: 'continue', context_id: null, title: null },
    ],
    [
      { decision: 'new', title: ' Tax ', context_id: 'c2' },
      { decision: 'new', context_id: null, title: 'Tax' },
    ],
  ])('%j', (value, expected) => {
    expect(read(value).data).toEqual({ confidence: 0.5, ...expected });
  });

  test.each([
    { decision: 'switch', context_id: 'c3' },
    { decision: 'switch' },
    { decision: 'new', title: ' ' },
    { decision: 'stay' },
    { decision: 'continue', confidence: 7 },
  ])('refuses %j', (value) => {
    expect(read(value).success).toBe(false);
  });

  test('cannot go on where there is nothing', () => {
    const first = judgementOf({ active: null, others: [] });
    expect(first.safeParse({ decision: 'continue', confidence: 1 }).success).toBe(false);
  });
});

describe('an assessment', () => {
  const finding = { kind: 'memory', subject: 'user', attribute: 'x', content: 'c', quote: 'q', confidence: 1 };
  test('a memory has no attribute; a date that cannot be read is none', () => {
    const { findings } = assessment.parse({
      findings: [{ ...finding, valid_from: 'soon', valid_until: '2026-11-12' }],
    });
    expect(findings).toEqual([
      { ...finding, attribute: null, supersedes: null, valid_from: null, valid_until: '2026-11-12T00:00:00.000Z' },
    ]);
  });
  test('says what is wrong with it, field by field', () => {
    const { error } = assessment.safeParse({ findings: [{ ...finding, quote: '' }] });
    expect(problemOf('{}', error!)).toMatch(/^- findings\.0\.quote: /);
    expect(problemOf(' ', new SyntaxError('x'))).toBe('It was empty.');
  });
  test('may stand in a fence', () => {
    expect(withoutFence('```json\n{"a":1}\n```')).toBe('{"a":1}');
    expect(withoutFence('{"a":"```"}')).toBe('{"a":"```"}');
  });
});

describe('prices', () => {
  const usage = { prompt_tokens: 1_000, output_tokens: 100, thought_tokens: 50, cached_tokens: 400 };
  test('thoughts cost like output, what was cached less; rounded up to a micro', () => {
    expect(priceOf('m', usage, [{ model: 'm', input: 1, output: 10, cached: 0.1 }])).toBe(600 + 40 + 1_500);
    expect(
      priceOf('m', { ...usage, prompt_tokens: 1, cached_tokens: 0, output_tokens: 0, thought_tokens: 0 }, [
        { model: 'm', input: 0.1, output: 0 },
      ]),
    ).toBe(1);
  });
  test('what is configured goes first, for all models too; an unknown model is not free', () => {
    expect(priceOf('gemini-3.8-flash', usage, [{ model: '*', input: 0, output: 0 }])).toBe(0);
    expect(priceOf('never-heard-of', usage)).toBeGreaterThan(0);
    expect(ASSUMED_PRICES.at(-1)?.model).toBe('*');
  });
});

test('a block that nobody heard of is explained all the same', () => {
  expect(explainBlock('NEW_REASON', 'answer', 'en')).toContain('without saying why');
  expect(explainBlock('SPII', 'answer', 'id')).toContain('data pribadi');
});
