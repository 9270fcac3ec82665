import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PromptItem } from '../prompt.ts';
import { cutToTokens } from './cut.ts';
import { HOUSE_TOKENS, packPrompt, SECTIONS, type PackInput, type Section } from './pack.ts';

const estimate = (text: string): number => Math.ceil(text.length / 3);
const AT = '2026-03-01T08:00:00Z';
const KINDS = {
  preferences: 'preference',
  memories: 'memory',
  history: 'message',
  schedule: 'schedule',
  blocks: 'block',
} as const;

const item = (section: Section, id: string, text: string, over: Partial<PromptItem> = {}): PromptItem => ({
  ...{ kind: KINDS[section], id, text, origin: 'user', at: AT, place_id: null, leg: 'lexical', score: 1 },
  ...over,
});

const nothing = (): Record<Section, PromptItem[]> => ({
  preferences: [],
  memories: [],
  history: [],
  schedule: [],
  blocks: [],
});

const input = (over: Partial<PackInput> = {}): PackInput => ({
  ...{ budget_tokens: 4_000, tool_tokens: 0, estimate, now: AT, time_zone: 'Asia/Jakarta', locale: 'en' },
  ...{ user_name: 'Sari', pending: null, message: 'What did I say about Bali?', message_id: 'm0' },
  role: { id: 'r', name: 'Partner', prompt: 'Be of help.', score: 0.4 },
  context: { id: 'c', title: 'Bali', summary: null },
  sections: nothing(),
  recent: [],
  ...over,
});

const texts = fc.string({ maxLength: 4_000, unit: 'grapheme' });
const anyItems = (section: Section) =>
  fc
    .array(fc.tuple(texts, fc.constantFrom('lexical', 'vector', 'pinned') as fc.Arbitrary<PromptItem['leg']>), {
      maxLength: 12,
    })
    .map((rows) => rows.map(([text, leg], index) => item(section, `${section}${String(index)}`, text, { leg })));

const anyInput = fc
  .record({
    ...{ budget_tokens: fc.integer({ min: 2_000, max: 20_000 }), message: fc.string({ maxLength: 1_000 }) },
    summary: fc.option(texts),
    recent: fc.array(texts, { maxLength: 50 }),
    sections: fc.record(
      Object.fromEntries(SECTIONS.map((section) => [section, anyItems(section)])) as Record<
        Section,
        fc.Arbitrary<PromptItem[]>
      >,
    ),
  })
  .map(({ summary, recent, ...over }) =>
    input({
      ...over,
      context: { id: 'c', title: 'Bali', summary },
      recent: recent.map((content, index) => ({ id: `m${String(index + 1)}`, role: 'user', content, created_at: AT })),
    }),
  );

describe('packPrompt', () => {
  test('never passes its budget, and says of every candidate whether it is in', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const { prompt, items, packing } = packPrompt(given);
        const included = items.filter(({ is_included, kind }) => is_included && kind !== 'role');
        const used = included.reduce((sum, { tokens }) => sum + tokens, HOUSE_TOKENS + estimate(given.message));
        expect(used).toBeLessThanOrEqual(packing.used_tokens);
        expect(packing.used_tokens).toBeLessThanOrEqual(given.budget_tokens);
        const candidates = SECTIONS.reduce((sum, section) => sum + given.sections[section].length, 0);
        expect(items).toHaveLength(1 + candidates + Number(given.context.summary !== null) + given.recent.length);
        for (const section of SECTIONS) {
          const { included: in_prompt, left_out } = packing.sections[section];
          expect(prompt[section]).toHaveLength(in_prompt);
          expect(in_prompt + left_out).toBe(given.sections[section].length);
        }
        expect(prompt.message).toBe(given.message);
      }),
    );
  });

  test('numbers what may be cited from 1, each number once', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const { prompt, items } = packPrompt(given);
        const cited = SECTIONS.flatMap((section) => prompt[section].map(({ citation }) => citation));
        expect(cited).toEqual(cited.map((_, index) => index + 1));
        expect(items.flatMap(({ citation }) => citation ?? [])).toEqual(cited);
      }),
    );
  });

  test('keeps the end of the conversation without a gap', () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const { prompt } = packPrompt(given);
        const tail = given.recent.slice(given.recent.length - prompt.recent.length);
        expect(prompt.recent.map(({ content }) => content.slice(0, 20))).toEqual(
          tail.map(({ content }) => cutToTokens(content, 1_200, estimate).slice(0, 20)),
        );
      }),
    );
  });

  test('a section does not starve the others, and takes what they leave', () => {
    const many = (section: Section, count: number) =>
      Array.from({ length: count }, (_, i) => item(section, `${section}${String(i)}`, 'x'.repeat(300)));
    const crowded = packPrompt(
      input({
        sections: {
          ...nothing(),
          memories: many('memories', 100),
          history: many('history', 100),
          blocks: many('blocks', 100),
        },
      }),
    );
    expect(crowded.prompt.memories.length).toBeGreaterThan(0);
    expect(crowded.prompt.history.length).toBeGreaterThan(crowded.prompt.memories.length / 2);
    expect(crowded.prompt.blocks.length).toBeGreaterThan(0);
    const alone = packPrompt(input({ sections: { ...nothing(), memories: many('memories', 100) } }));
    expect(alone.prompt.memories.length).toBeGreaterThan(2 * crowded.prompt.memories.length);
  });

  test('a pinned memory comes before the conversation', () => {
    const pinned = item('preferences', 'p', 'x'.repeat(500), { leg: 'pinned' });
    const recent = Array.from({ length: 50 }, (_, i) => ({
      ...{ id: `m${String(i + 1)}`, role: 'user' as const, content: 'y'.repeat(90), created_at: AT },
    }));
    const sections = { ...nothing(), preferences: [pinned] };
    const { prompt } = packPrompt(input({ budget_tokens: HOUSE_TOKENS + 300, recent, sections }));
    expect(prompt.preferences.map(({ id }) => id)).toEqual(['p']);
    expect(prompt.recent.length).toBeGreaterThan(0);
  });

  test('what was found in the conversation itself can be cited, a few of it, once there is room for all else', () => {
    const recent = Array.from({ length: 20 }, (_, i) => ({
      ...{ id: `m${String(i + 1)}`, role: 'user' as const, content: `I want to go to Bali, ${i}`, created_at: AT },
    }));
    const history = [
      ...recent.map(({ id, content }) => item('history', id, content)),
      item('history', 'far', 'Lombok'),
    ];
    const packed = packPrompt(input({ recent, sections: { ...nothing(), history } }));
    expect(packed.prompt.recent).toHaveLength(20);
    expect(packed.prompt.history.map(({ id, citation }) => [id, citation])).toEqual([
      ...['m1', 'm2', 'm3', 'm4', 'm5'].map((id, at) => [id, at + 1]),
      ['far', 6],
    ]);
  });

  test('refuses a message that alone is more than the budget, and names the field', () => {
    expect(() => packPrompt(input({ message: 'x'.repeat(40_000) }))).toThrow(
      expect.objectContaining({
        code: 'turn.too_long',
        meta: { errors: [expect.objectContaining({ pointer: '/content' })] },
      }),
    );
  });
});

test('cutToTokens keeps to its bound and halves no character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), fc.integer({ min: 5, max: 100 }), (text, most) => {
      const cut = cutToTokens(text, most, estimate);
      expect(estimate(cut)).toBeLessThanOrEqual(most);
      expect(cut.isWellFormed()).toBe(text.isWellFormed());
      if (estimate(text) <= most) expect(cut).toBe(text);
    }),
  );
});
