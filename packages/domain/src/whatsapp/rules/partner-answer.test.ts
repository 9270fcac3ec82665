import { expect, test } from 'vitest';
import { newId } from '../../platform/uuid.ts';
import { partnerAnswer } from './partner-answer.ts';
import { resetTime } from './partner-lines.ts';

const message = (content: string) => ({ id: newId(), content, created_at: '2026-03-02T09:00:00Z' });
const citation = (index: number, kind: 'memory' | 'schedule') => ({
  ...{ index, kind, id: newId(), place_id: null, excerpt: 'x', at: null, leg: 'x', score: null },
});

test('what an answer rests on stands in one line, and its marks go', () => {
  const answer = {
    status: 'done' as const,
    message: message('**Rapat** jam 9 [1][2], lihat [3] dan [1](https://example.com).'),
    citations: [citation(1, 'schedule'), citation(2, 'memory')],
  };
  expect(partnerAnswer(answer, 'id')).toEqual([
    '*Rapat* jam 9, lihat [3] dan 1 (https://example.com).\n\n_Dari: kalendermu, ingatan saya_',
  ]);
});

test('a long answer is several messages, each of a length that WhatsApp takes', () => {
  const parts = partnerAnswer({ status: 'done', message: message('word '.repeat(3_000)), citations: [] }, 'en');
  expect(parts).toHaveLength(4);
  for (const part of parts) expect(part.length).toBeLessThanOrEqual(4_096);
});

test('a turn without an answer says so', () => {
  expect(partnerAnswer({ status: 'cancelled', message: null, citations: [] }, 'en')).toEqual([
    'That answer was cancelled.',
  ]);
  expect(partnerAnswer({ status: 'done', message: null, citations: [] }, 'id')[0]).toMatch(/tidak bisa menjawab/u);
});

test('the end of a limit is told by the clock of the person', () => {
  expect(resetTime('en', '2026-03-02T17:00:00Z', 'Asia/Jakarta')).toBe('3 Mar 2026, 00:00');
  expect(resetTime('id', '2026-03-02T17:00:00Z', 'Asia/Jakarta')).toContain('00.00');
});
