import type { PackedItem, Prompt } from '../prompt.ts';

/** A small prompt; `parts` are what a test is about. */
export const prompt = (parts: Partial<Prompt> = {}): Prompt => ({
  role: { id: null, name: 'Assistant', prompt: 'Help with the day.' },
  now: '2026-11-12T02:30:00.000Z',
  time_zone: 'Asia/Jakarta',
  locale: 'en',
  user_name: 'Ayu',
  context: { id: 'c1', title: 'The day', summary: null },
  ...{ preferences: [], memories: [], history: [], blocks: [], schedule: [], recent: [] },
  pending: null,
  message: 'Hello',
  message_id: 'm1',
  ...parts,
});

/** An item as packed; `parts` are what a test is about. */
export const item = (parts: Partial<PackedItem> = {}): PackedItem => ({
  kind: 'message',
  id: 'i1',
  text: 'The dentist is on Friday.',
  origin: 'user',
  at: '2026-11-10T02:00:00.000Z',
  place_id: null,
  leg: 'lexical',
  score: 1,
  tokens: 10,
  citation: 1,
  ...parts,
});
