import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { calendar_roles } from './roles.ts';
import { isNothing, planSync, type SyncState } from './sync-state.ts';
import { MAX_SYNC_TOKEN, parseSyncCursor, parseSyncToken, printSyncCursor, printSyncToken } from './sync-token.ts';

const id = fc.uuid();
const seq = fc.nat(2 ** 40);
const known = fc.record({ calendar_id: id, role: fc.constantFrom(...calendar_roles), seq });
const days = fc.nat(400);
const state: fc.Arbitrary<SyncState> = fc.record({
  issued_at: seq,
  from_days: days,
  to_days: days,
  day: days,
  head: seq,
  homes: fc.uniqueArray(id, { maxLength: 3 }),
  calendars: fc.uniqueArray(known, { maxLength: 6, selector: ({ calendar_id }) => calendar_id }),
});

it('a token says what it was made of, in characters that a URL takes as they are', () => {
  fc.assert(
    fc.property(state, (made) => {
      const token = printSyncToken(made);
      expect(token).toMatch(/^[\w.~-]+$/);
      expect(parseSyncToken(token)).toEqual(made);
    }),
  );
});

it('a cursor says from where to where, whatever came, changed or went between', () => {
  const cursor = fc
    .record({
      since: fc.option(state),
      next: state,
      kept: fc.array(fc.nat(5)),
      newer: seq,
      reset_ids: fc.uniqueArray(id, { maxLength: 2 }),
      after_id: id,
    })
    .map(({ since, next, kept, newer, ...rest }) => {
      const both = since?.calendars.filter((_, n) => kept.includes(n)) ?? [];
      const moved = both.map((calendar, n) => (n % 2 === 0 ? calendar : { ...calendar, seq: newer }));
      return { since, next: { ...next, calendars: [...moved, ...next.calendars] }, ...rest };
    });
  const sorted = ({ calendars }: SyncState) => calendars.toSorted((a, b) => (a.calendar_id < b.calendar_id ? -1 : 1));
  fc.assert(
    fc.property(cursor, (made) => {
      const parsed = parseSyncCursor(printSyncCursor(made));
      expect(parsed && { ...parsed, next: { ...parsed.next, calendars: sorted(parsed.next) } }).toEqual({
        ...made,
        next: { ...made.next, calendars: sorted(made.next) },
      });
    }),
  );
});

it('of a token that was changed on its way no id is told that is none', () => {
  const character = fc.constantFrom('a', 'b', 'Z', '0', '1', '8', '9', '-', '_');
  fc.assert(
    fc.property(state, fc.nat(200), character, (made, at, changed) => {
      const token = printSyncToken(made);
      const parsed = parseSyncToken(token.slice(0, at) + changed + token.slice(at + 1));
      const ids = parsed?.calendars.map(({ calendar_id }) => calendar_id) ?? [];
      for (const one of [...ids, ...(parsed?.homes ?? [])]) expect(z.uuid().safeParse(one).success).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

it('what is no token is none', () => {
  const whole = '1.1.1.1.1.1..';
  expect(parseSyncToken(whole)).not.toBeNull();
  for (const text of [
    '',
    '1',
    '2.1.1.1.1.1..',
    '1.1.1.1.1.1..x',
    '1.1.1.1.1.1.x.',
    '1.-1.1.1.1.1..',
    `${whole}.`,
    '1.1.1.1.1.1..~',
  ])
    expect(parseSyncToken(text), text).toBeNull();
  for (const text of ['', '!!!!', `!${whole}!!!`, `${whole}!${whole}!!!x`, `!${whole}!x!!`])
    expect(parseSyncCursor(text), text).toBeNull();
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect([parseSyncToken(text), parseSyncCursor(text)]).toEqual([null, null]);
    }),
  );
});

it('a token of 400 calendars is not too long', () => {
  const calendars = Array.from({ length: 400 }, (_, n) => ({
    calendar_id: crypto.randomUUID(),
    role: 'owner' as const,
    seq: 1_000_000 + n,
  }));
  const made = { issued_at: Date.now(), from_days: 30, to_days: 365, day: 20_000, head: 9_999, homes: [], calendars };
  expect(printSyncToken(made).length).toBeLessThan(MAX_SYNC_TOKEN);
});

it('nothing is read when nothing changed, and everything when nothing is known', () => {
  fc.assert(
    fc.property(state, (known) => {
      expect(isNothing(planSync({ since: known, next: { ...known, issued_at: 0 }, reset_ids: [] }))).toBe(true);
      const all = planSync({ since: null, next: known, reset_ids: [] });
      expect(all.calendars).toEqual(known.calendars.map(({ calendar_id }) => ({ calendar_id, since: -1 })));
      expect(all).toMatchObject({ lost_ids: [], dropped_ids: [], guests_since: -1, entered_from: null });
    }),
  );
});
