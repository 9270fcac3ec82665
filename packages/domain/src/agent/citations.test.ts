import { expect, test } from 'vitest';
import { Citations } from './citations.ts';
import type { PackedItem, Prompt } from './prompt.ts';

const item = (citation: number | null, more: Partial<PackedItem> = {}): PackedItem => ({
  ...{
    kind: 'message',
    id: `00000000-0000-4000-8000-00000000000${citation ?? 0}`,
    text: `text ${citation}`,
    origin: 'user',
  },
  ...{ at: null, place_id: null, leg: 'lexical', score: 1, tokens: 1, citation },
  ...more,
});
const prompt = (history: PackedItem[]): Prompt =>
  ({ preferences: [], memories: [], history, blocks: [], schedule: [] }) as unknown as Prompt;

test('a source is cited once, when its mark is whole, however the text is cut', () => {
  const citations = new Citations(prompt([item(1), item(2), item(3)]));
  const read = (text: string): number[] => citations.read(text).map(({ index }) => index);
  expect(read('As you said [')).toEqual([]);
  expect(read('2')).toEqual([]);
  expect(read('], and again [2]')).toEqual([2]);
  expect(read(' but [3, 1] too')).toEqual([3, 1]);
  expect(citations.cited.map(({ index }) => index)).toEqual([2, 3, 1]);
});

test('numbers that name nothing cite nothing', () => {
  const citations = new Citations(prompt([item(1), item(null)]));
  expect(citations.read('[7] [0] [x] [1a] list[9]')).toEqual([]);
});

test('of a long source the beginning is shown', () => {
  const citations = new Citations(prompt([item(1, { text: 'x'.repeat(1_000) })]));
  expect(citations.read('[1]')[0]?.excerpt).toHaveLength(300);
});
