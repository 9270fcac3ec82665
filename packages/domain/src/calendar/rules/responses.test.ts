import { describe, expect, it } from 'vitest';
import { answerLocally, effectiveResponse, type OccurrenceResponse } from './responses.ts';

const guest = { response: 'accepted' } as const;
const row = (day: string, applies_to: 'this' | 'following', response: OccurrenceResponse['response']) => ({
  recurrence_id: `2026-03-${day}T09:00:00`,
  applies_to,
  response,
});
const on = (day: string, rows: OccurrenceResponse[]) => effectiveResponse(guest, rows, `2026-03-${day}T09:00:00`);

describe('the answer to one occurrence', () => {
  it('is that to the series where no row says otherwise', () => {
    expect(on('05', [])).toBe('accepted');
    expect(on('05', [row('04', 'this', 'declined'), row('06', 'following', 'declined')])).toBe('accepted');
  });

  it('is the latest of those that follow from an occurrence at or before it, in whatever order the rows come', () => {
    const rows = [row('10', 'following', 'tentative'), row('03', 'following', 'declined')];
    for (const given of [rows, rows.toReversed()]) {
      expect(['02', '03', '09', '10', '31'].map((day) => on(day, given))).toEqual([
        'accepted',
        'declined',
        'declined',
        'tentative',
        'tentative',
      ]);
    }
  });

  it('is its own before any that follows', () => {
    const rows = [
      row('03', 'following', 'declined'),
      row('03', 'this', 'needs_action'),
      row('07', 'this', 'tentative'),
    ];
    expect(['03', '04', '07', '08'].map((day) => on(day, rows))).toEqual([
      'needs_action',
      'declined',
      'tentative',
      'declined',
    ]);
  });

  it('is found by days where the schedule is all day', () => {
    const rows: OccurrenceResponse[] = [{ recurrence_id: '2026-03-03', applies_to: 'following', response: 'declined' }];
    expect(effectiveResponse(guest, rows, '2026-03-02')).toBe('accepted');
    expect(effectiveResponse(guest, rows, '2026-03-03')).toBe('declined');
  });
});

describe('an answer', () => {
  const rows = [row('03', 'following', 'declined'), row('05', 'this', 'tentative'), row('07', 'following', 'accepted')];
  const to = (scope: 'this' | 'following' | 'all', at: string | null) =>
    answerLocally(guest, rows, {
      scope,
      recurrence_id: at && `2026-03-${at}T09:00:00`,
      response: 'needs_action',
    });

  it('to all ends all others', () => {
    expect(to('all', null)).toEqual({ response: 'needs_action', responses: [], lost: rows });
  });

  it('to one ends that to the one alone', () => {
    expect(to('this', '05')).toEqual({
      response: 'accepted',
      responses: [rows[0], row('05', 'this', 'needs_action'), rows[2]],
      lost: [rows[1]],
    });
    expect(to('this', '03').lost).toEqual([]);
  });

  it('to those from one on ends all from there on', () => {
    expect(to('following', '05')).toEqual({
      response: 'accepted',
      responses: [rows[0], row('05', 'following', 'needs_action')],
      lost: [rows[1], rows[2]],
    });
  });
});
