import { expect, test } from 'vitest';
import { item } from '../testing/prompt.ts';
import { historyForPrompt } from './history-for-prompt.ts';

const now = '2026-11-21T03:00:00Z';
const said = (id: string, content: string, created_at = '2026-11-21T02:59:58Z') => ({
  ...{ id, role: 'user' as const, content, created_at, context_id: 'c1' },
});

test('what was said a moment ago is found before it is indexed, once, and no more than what was asked about', () => {
  const recent = [
    said('m0', 'Dewi moved to Solo', '2026-11-20T02:59:58Z'),
    said('m1', 'Dewi lives in Bandung'),
    { ...said('m2', 'Noted: Dewi'), role: 'assistant' as const },
    said('m3', 'I like tea'),
    said('m4', 'Dewi has a cat'),
  ];
  const found = [item({ id: 'm4', text: 'Dewi has a cat' })];
  expect(historyForPrompt(found, { message: 'where does Dewi live?', now, recent }).map(({ id }) => id)).toEqual([
    'm1',
    'm4',
  ]);
});

test('what only stands beside goes after what has a word itself, and what was asked or answered last', () => {
  const found = [
    item({ id: 'a', text: 'where is Dewi?' }),
    item({ id: 'd', text: 'It rains' }),
    item({ id: 'e', text: 'You said: Dewi is away', origin: 'assistant' }),
    item({ id: 'b', text: 'Dewi is away' }),
    item({ id: 'c', text: 'Where is Dewi?', origin: 'other' }),
  ];
  expect(historyForPrompt(found, { message: 'Dewi', now, recent: [] }).map(({ id }) => id)).toEqual([
    ...['b', 'c', 'd', 'a', 'e'],
  ]);
});
