import fc from 'fast-check';
import { expect, it } from 'vitest';
import { reminder } from '../testing/planned-schedule.ts';
import { editReminder, type ReminderParts } from './edit-reminder.ts';
import { appliesTo } from './reminder-times.ts';

const NAMES = Array.from({ length: 9 }, (_, n) => `2026-03-0${n + 1}T09:00:00`);
const name = fc.constantFrom(...NAMES);
const some = fc
  .record({
    scope: fc.constantFrom('all' as const, 'this' as const, 'following' as const),
    name,
    until: fc.option(name),
    skips: fc.subarray(NAMES),
  })
  .map(({ scope, name: begins, until, skips }): ReminderParts => {
    const parts = reminder('r1', { applies_to: scope, recurrence_id: scope === 'all' ? null : begins });
    return scope === 'this' ? parts : { ...parts, until_recurrence_id: until, skips };
  });
const edit = fc.record({ scope: fc.constantFrom('this' as const, 'following' as const), recurrence_id: name });

it('an edit of some occurrences changes those, leaves the others, and reminds of none twice', () => {
  fc.assert(
    fc.property(some, edit, fc.boolean(), (before, { scope, recurrence_id }, deletes) => {
      const is_first = recurrence_id === NAMES[0];
      const done = editReminder(
        before,
        { scope, recurrence_id, is_first },
        deletes ? null : { minutes_before: 99 },
        'new',
      );
      const concerned = (one: string) => (scope === 'this' ? one === recurrence_id : one >= recurrence_id);
      if (!done) {
        expect(appliesTo(before, recurrence_id)).toBe(false);
        return;
      }
      for (const one of NAMES) {
        const now = [done.left, done.taken].filter((row) => row !== null && appliesTo(row, one));
        const was = appliesTo(before, one);
        if (was && concerned(one)) expect(now.map((row) => row?.minutes_before)).toEqual(deletes ? [] : [99]);
        else expect(now.map((row) => row?.minutes_before)).toEqual(was ? [10] : []);
      }
    }),
  );
});
