import { expect, test } from 'vitest';
import type { JudgeInput } from '../model.ts';
import { judgeByRules } from './judge-by-rules.ts';

const NOW = '2026-11-21T12:00:00Z';
const bread = {
  id: 'bread',
  title: 'Baking bread',
  summary: 'Sourdough starter, flour, oven temperature',
  last_message_at: '2026-11-21T11:50:00Z',
};
const trip = {
  id: 'trip',
  title: 'Trip to Japan',
  summary: 'Flights to Tokyo, hotels in Kyoto, rail pass',
  last_message_at: '2026-11-20T11:50:00Z',
};
const judge = (message: string, input: Partial<JudgeInput> = {}) =>
  judgeByRules({ message, now: NOW, time_zone: 'UTC', active: bread, others: [trip], recent: [], ...input });

test('the first message begins a context, which is called after its first words', () => {
  expect(judge('hello, how do I bake bread?', { active: null, others: [] })).toEqual({
    decision: 'new',
    context_id: null,
    title: 'How do I bake bread',
    confidence: 1,
  });
});

test.each([
  'New topic: taxes for 2026',
  'topik baru: taxes for 2026',
  'ok, new subject - taxes for 2026',
  'ganti topik, taxes for 2026',
])('%s begins another', (message) => {
  expect(judge(message)).toMatchObject({ decision: 'new', title: 'Taxes for 2026', confidence: 1 });
});

test.each(['back to the Japan trip', "let's go back to Japan", 'kembali ke trip Japan', 'balik ke Japan dong'])(
  '%s goes back',
  (message) => {
    expect(judge(message)).toMatchObject({ decision: 'switch', context_id: 'trip' });
  },
);

test('back to where one is, or to what there never was, is to stay', () => {
  expect(judge('back to baking bread')).toMatchObject({ decision: 'continue' });
  expect(judge('back to the drawing table')).toMatchObject({ decision: 'continue' });
});

test('an order stays where it is given, and what was laid aside long ago is gone back to by its name alone', () => {
  const ordered = 'remind me tomorrow at 8 to book hotels in Kyoto and the rail pass';
  expect(judge(ordered)).toMatchObject({ decision: 'continue' });
  const others = [{ ...trip, last_message_at: '2026-09-20T11:50:00Z' }];
  expect(judge('which hotels in Kyoto are near the rail station?', { others })).toMatchObject({ decision: 'continue' });
  expect(judge('back to the Japan trip', { others })).toMatchObject({ decision: 'switch', context_id: 'trip' });
});

test('what is clearly of another context goes there, what could be of both stays', () => {
  expect(judge('which hotels in Kyoto are near the rail station?')).toMatchObject({
    decision: 'switch',
    context_id: 'trip',
  });
  expect(judge('how hot must the oven be for the sourdough?')).toMatchObject({ decision: 'continue' });
  expect(judge('and the price?')).toMatchObject({ decision: 'continue' });
  expect(judge('yes')).toMatchObject({ decision: 'continue' });
});

test('one shared word does not draw a longer message away', () => {
  expect(judge('does the flour from Tokyo make a difference for a starter?')).toMatchObject({ decision: 'continue' });
});

test('after six hours of silence what is like nothing open begins another; within them it stays', () => {
  const silent = { ...bread, last_message_at: '2026-11-21T05:00:00Z' };
  expect(judge('my landlord wants to raise the rent', { active: silent })).toMatchObject({
    decision: 'new',
    title: 'My landlord wants to raise the rent',
  });
  expect(judge('my landlord wants to raise the rent')).toMatchObject({ decision: 'continue' });
  expect(judge('is the sourdough starter still good?', { active: silent })).toMatchObject({ decision: 'continue' });
  const spoke = [{ role: 'user' as const, content: 'hm', created_at: '2026-11-21T11:00:00Z', context_id: 'bread' }];
  expect(judge('my landlord wants to raise the rent', { active: silent, recent: spoke })).toMatchObject({
    decision: 'continue',
  });
});
