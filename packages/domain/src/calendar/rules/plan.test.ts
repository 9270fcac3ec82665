import { describe, expect, it } from 'vitest';
import {
  answer,
  applyPlan,
  countedIds,
  guest,
  occurrencesOf,
  override,
  planned,
  reminder,
  startsOf,
} from '../testing/planned-schedule.ts';
import type { Edit, Plan, PlannedSchedule, SchedulePatch, Scope } from './plan-types.ts';
import { planEdit } from './plan.ts';

const plan = (
  current: PlannedSchedule,
  kind: Edit['kind'],
  scope: Scope,
  name: string | null,
  patch: SchedulePatch = {},
): Plan => planEdit(current, { kind, scope, recurrence_id: name, patch }, countedIds());
const update = (current: PlannedSchedule, scope: Scope, name: string | null, patch: SchedulePatch) =>
  plan(current, 'update', scope, name, patch);
const names = (schedule: PlannedSchedule | undefined, limit = 4) =>
  schedule && occurrencesOf(schedule, limit).map(({ recurrence_id }) => recurrence_id);
const counts = ({ lost }: Plan) => [lost.overrides.length, lost.responses.length, lost.reminders.length];

describe('one occurrence', () => {
  it('that is changed is an override, merged onto the one that it had', () => {
    const first = update(planned(), 'this', '2026-02-09T09:00:00', { title: 'Demo', description: null });
    const [demo] = applyPlan(planned(), first);
    expect(demo!.overrides).toEqual([override('2026-02-09T09:00:00', { title: 'Demo' })]);
    expect(first).toMatchObject({ occurrences_changed: true, shift: null });
    const second = update(demo!, 'this', '2026-02-09T09:00:00', { starts_local: '2026-02-10T14:00:00' });
    const [moved] = applyPlan(demo!, second);
    expect(moved!.overrides).toEqual([
      override('2026-02-09T09:00:00', { title: 'Demo', starts_local: '2026-02-10T14:00:00' }),
    ]);
    const back = update(moved!, 'this', '2026-02-09T09:00:00', {
      title: 'Standup',
      starts_local: '2026-02-09T09:00:00',
    });
    expect(applyPlan(moved!, back)[0]).toEqual(planned());
  });

  it('whose text alone changes once more has moved nothing', () => {
    const current = planned({ overrides: [override('2026-02-09T09:00:00', { title: 'Demo' })] });
    expect(update(current, 'this', '2026-02-09T09:00:00', { title: 'Review' })).toMatchObject({
      occurrences_changed: false,
      schedules: [{ op: 'update', changed: [] }],
    });
  });

  it('without the text that its series has says so', () => {
    const current = planned({ location: 'Room 1' });
    const [after] = applyPlan(current, update(current, 'this', '2026-02-09T09:00:00', { location: null }));
    expect(after!.overrides).toEqual([override('2026-02-09T09:00:00', { location: '' })]);
  });

  it('that is given in another zone is where that is on the clock of its series', () => {
    const patch = { starts_local: '2026-02-09T09:00:00', time_zone: 'Europe/Berlin' };
    const [after] = applyPlan(planned(), plan(planned(), 'move', 'this', '2026-02-09T09:00:00', patch));
    expect(after!.overrides[0]!.starts_local).toBe('2026-02-09T03:00:00');
  });

  it('cannot have what only a series has', () => {
    for (const patch of [
      { rrule: null },
      { color: '#000000' },
      { time_zone: null },
      { is_all_day: true },
    ] as SchedulePatch[]) {
      expect(() => update(planned(), 'this', '2026-02-09T09:00:00', patch)).toThrow(
        expect.objectContaining({ code: 'schedule.not_per_occurrence', pointer: `/${Object.keys(patch)[0]}` }),
      );
    }
    expect(update(planned(), 'this', '2026-02-09T09:00:00', { rrule: 'FREQ=WEEKLY;BYDAY=MO' }).schedules).toEqual([]);
  });

  it('that is deleted is left out, and what hung on it is lost', () => {
    const at = '2026-02-09T09:00:00';
    const current = planned({
      guests: [guest('g1')],
      overrides: [override(at, { title: 'Demo' }), override('2026-02-16T09:00:00', { title: 'Stays' })],
      responses: [answer(at), answer(at, 'following')],
      reminders: [reminder('r1', { skips: [at] }), reminder('r2', { applies_to: 'this', recurrence_id: at })],
    });
    const deleted = plan(current, 'delete', 'this', at);
    const [after] = applyPlan(current, deleted);
    expect(names(after, 3)).toEqual(['2026-02-02T09:00:00', '2026-02-16T09:00:00', '2026-02-23T09:00:00']);
    expect(after).toMatchObject({
      exdates: [at],
      responses: [{ applies_to: 'following' }],
      reminders: [{ id: 'r1', skips: [] }],
    });
    expect(counts(deleted)).toEqual([1, 1, 1]);
  });

  it('that does not exist is not found, in any scope', () => {
    const current = planned({ exdates: ['2026-02-16T09:00:00'] });
    for (const scope of ['this', 'following', 'all'] as const) {
      for (const name of ['2026-02-09T10:00:00', '2026-02-16T09:00:00']) {
        expect(() => update(current, scope, name, { title: 'x' })).toThrow(
          expect.objectContaining({
            kind: 'not_found',
            code: 'schedule.occurrence_not_found',
            pointer: '/recurrence_id',
          }),
        );
      }
    }
  });

  it('which is the last is the schedule', () => {
    const current = planned({ rrule: 'FREQ=WEEKLY;BYDAY=MO;COUNT=2', exdates: ['2026-02-02T09:00:00'] });
    expect(plan(current, 'delete', 'this', '2026-02-09T09:00:00').schedules).toMatchObject([
      { op: 'delete', id: 's1' },
    ]);
    const once = planned({ rrule: null });
    expect(plan(once, 'delete', 'this', '2026-02-02T09:00:00').schedules).toMatchObject([{ op: 'delete' }]);
    const [after] = applyPlan(
      once,
      update(once, 'this', '2026-02-02T09:00:00', { starts_local: '2026-02-03T10:00:00' }),
    );
    expect(after).toMatchObject({ starts_local: '2026-02-03T10:00:00', overrides: [] });
  });
});

describe('this and following', () => {
  const current = planned({
    guests: [guest('g1', 'accepted')],
    overrides: [
      override('2026-02-09T09:00:00', { title: 'Before' }),
      override('2026-03-02T09:00:00', { title: 'After' }),
    ],
    exdates: ['2026-02-16T09:00:00', '2026-03-09T09:00:00'],
    rdates: ['2026-02-11T12:00:00', '2026-03-04T12:00:00'],
    responses: [answer('2026-02-09T09:00:00', 'following', 'tentative'), answer('2026-03-02T09:00:00')],
    reminders: [
      reminder('all', { skips: ['2026-02-09T09:00:00', '2026-03-02T09:00:00'] }),
      reminder('later', { applies_to: 'following', recurrence_id: '2026-03-02T09:00:00' }),
      reminder('once', { applies_to: 'this', recurrence_id: '2026-02-09T09:00:00' }),
      reminder('ended', { until_recurrence_id: '2026-02-16T09:00:00' }),
      reminder('begun', { applies_to: 'following', recurrence_id: '2026-02-09T09:00:00' }),
    ],
  });

  it('ends the old series and begins another, with what hangs on either side', () => {
    const split = update(current, 'following', '2026-02-23T09:00:00', { title: 'New' });
    const [head, tail] = applyPlan(current, split);
    expect(head).toMatchObject({
      id: 's1',
      title: 'Standup',
      rrule: 'FREQ=WEEKLY;UNTIL=20260216T140000Z;BYDAY=MO',
      rdates: ['2026-02-11T12:00:00'],
      exdates: ['2026-02-16T09:00:00'],
      overrides: [{ title: 'Before' }],
      responses: [{ applies_to: 'following', guest_id: 'g1' }],
    });
    expect(head!.reminders).toMatchObject([
      { id: 'all', skips: ['2026-02-09T09:00:00'] },
      { id: 'once' },
      { id: 'ended' },
      { id: 'begun' },
    ]);
    const copy = tail!.guests[0]!;
    expect(tail).toMatchObject({
      title: 'New',
      starts_local: '2026-02-23T09:00:00',
      rrule: 'FREQ=WEEKLY;BYDAY=MO',
      rdates: ['2026-03-04T12:00:00'],
      exdates: ['2026-03-09T09:00:00'],
      overrides: [{ recurrence_id: '2026-03-02T09:00:00', title: 'After' }],
      guests: [{ copy_of: 'g1', response: 'tentative', responded_at: '2026-01-01T00:00:00.000Z' }],
      responses: [{ guest_id: copy.id, recurrence_id: '2026-03-02T09:00:00' }],
    });
    expect(tail!.uid).toBe(tail!.id);
    expect(tail!.reminders).toMatchObject([
      { applies_to: 'all', skips: ['2026-03-02T09:00:00'] },
      { id: 'later', applies_to: 'following' },
      { applies_to: 'all', recurrence_id: null },
    ]);
    expect(new Set([...head!.reminders, ...tail!.reminders].map(({ id }) => id)).size).toBe(7);
    expect(counts(split)).toEqual([0, 0, 0]);
  });

  it('moves what hangs on later occurrences along when their time changes', () => {
    const split = update(current, 'following', '2026-02-23T09:00:00', { starts_local: '2026-02-23T10:30:00' });
    const [, tail] = applyPlan(current, split);
    expect(tail).toMatchObject({
      starts_local: '2026-02-23T10:30:00',
      rdates: ['2026-03-04T13:30:00'],
      exdates: ['2026-03-09T10:30:00'],
      overrides: [{ recurrence_id: '2026-03-02T10:30:00' }],
      responses: [{ recurrence_id: '2026-03-02T10:30:00' }],
    });
    expect(split).toMatchObject({ shift: { from: '2026-02-23T09:00:00', delta_ms: 5_400_000, schedule_id: tail!.id } });
    expect(counts(split)).toEqual([0, 0, 0]);
  });

  it('loses what names no occurrence of the new rule, under the names that it had', () => {
    const tuesdays = { starts_local: '2026-02-24T09:00:00', rrule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU' };
    const split = update(current, 'following', '2026-02-23T09:00:00', tuesdays);
    expect(split.lost).toMatchObject({
      overrides: [{ recurrence_id: '2026-03-02T09:00:00' }],
      responses: [{ recurrence_id: '2026-03-02T09:00:00', guest_id: 'g1' }],
      reminders: [],
    });
  });

  it('divides a COUNT, the dates left out counted', () => {
    const counted = planned({ rrule: 'FREQ=WEEKLY;COUNT=10;BYDAY=MO', exdates: ['2026-02-09T09:00:00'] });
    const [head, tail] = applyPlan(counted, update(counted, 'following', '2026-02-23T09:00:00', { title: 'x' }));
    expect([head!.rrule, tail!.rrule]).toEqual(['FREQ=WEEKLY;COUNT=3;BYDAY=MO', 'FREQ=WEEKLY;COUNT=7;BYDAY=MO']);
  });

  it('takes a rule that is given as it stands for what is left of it', () => {
    const counted = planned({ rrule: 'FREQ=WEEKLY;COUNT=10;BYDAY=MO' });
    const given = { rrule: 'FREQ=WEEKLY;COUNT=10;BYDAY=MO', exdates: [], title: 'x' };
    const [, tail] = applyPlan(counted, update(counted, 'following', '2026-02-16T09:00:00', given));
    expect(tail!.rrule).toBe('FREQ=WEEKLY;COUNT=8;BYDAY=MO');
  });

  it('keeps an UNTIL, of all-day series as a date', () => {
    const days = planned({
      is_all_day: true,
      time_zone: null,
      starts_local: '2026-02-02',
      duration_seconds: 86_400,
      rrule: 'FREQ=DAILY;UNTIL=20260210',
    });
    const [head, tail] = applyPlan(days, update(days, 'following', '2026-02-05', { title: 'x' }));
    expect([head!.rrule, tail!.rrule]).toEqual(['FREQ=DAILY;UNTIL=20260204', 'FREQ=DAILY;UNTIL=20260210']);
    expect(startsOf(head!)).toHaveLength(3);
    expect(startsOf(tail!)).toHaveLength(6);
  });

  it('at one of the further dates begins with the rule after it, and keeps that date', () => {
    const [head, tail] = applyPlan(current, update(current, 'following', '2026-03-04T12:00:00', { title: 'x' }));
    expect(tail).toMatchObject({ starts_local: '2026-03-09T09:00:00', rdates: ['2026-03-04T12:00:00'] });
    expect(names(tail, 2)).toEqual(['2026-03-04T12:00:00', '2026-03-16T09:00:00']);
    expect(names(head, 9)!.at(-1)).toBe('2026-03-02T09:00:00');
    const last = planned({ rrule: null, rdates: ['2026-02-05T09:00:00', '2026-02-07T09:00:00'] });
    const [once, rest] = applyPlan(last, update(last, 'following', '2026-02-05T09:00:00', { title: 'x' }));
    expect(once).toMatchObject({ starts_local: '2026-02-02T09:00:00', rdates: [] });
    expect(rest).toMatchObject({ starts_local: '2026-02-05T09:00:00', rdates: ['2026-02-07T09:00:00'] });
  });

  it('at the first occurrence is all, and so it is when those before are left out', () => {
    const all = update(planned(), 'following', '2026-02-02T09:00:00', { title: 'x' });
    expect(all.schedules).toMatchObject([{ op: 'update', id: 's1', changed: ['title'] }]);
    const later = planned({
      exdates: ['2026-02-02T09:00:00'],
      overrides: [override('2026-02-09T09:00:00', { is_cancelled: true })],
    });
    expect(update(later, 'following', '2026-02-16T09:00:00', { title: 'x' }).schedules).toMatchObject([
      { op: 'update' },
    ]);
    expect(plan(later, 'delete', 'following', '2026-02-16T09:00:00').schedules).toMatchObject([{ op: 'delete' }]);
  });

  it('deleted, ends the series', () => {
    const cut = plan(current, 'delete', 'following', '2026-03-02T09:00:00');
    const [head, ...none] = applyPlan(current, cut);
    expect(none).toEqual([]);
    expect(names(head, 9)!.at(-1)).toBe('2026-02-23T09:00:00');
    expect(cut.lost).toMatchObject({ overrides: [{ title: 'After' }], responses: [{}], reminders: [{ id: 'later' }] });
  });

  it('that changes nothing cuts nothing', () => {
    expect(update(current, 'following', '2026-02-23T09:00:00', { title: 'Standup' })).toMatchObject({
      schedules: [],
      occurrences_changed: false,
      lost: { overrides: [], responses: [], reminders: [] },
    });
  });

  it('counts the times that a change of the clocks makes one', () => {
    const hours = planned({ starts_local: '2026-03-07T01:00:00', rrule: 'FREQ=HOURLY;COUNT=12;BYHOUR=1,2,3,9' });
    const [head, tail] = applyPlan(hours, update(hours, 'following', '2026-03-09T01:00:00', { title: 'x' }));
    expect([head!.rrule, tail!.rrule]).toEqual([
      'FREQ=HOURLY;COUNT=8;BYHOUR=1,2,3,9',
      'FREQ=HOURLY;COUNT=4;BYHOUR=1,2,3,9',
    ]);
    expect([...startsOf(head!, 20), ...startsOf(tail!, 20)]).toEqual(startsOf(hours, 20));
  });
});

describe('all', () => {
  it('shifts everything that names an occurrence by as much wall clock, over a change to summer time too', () => {
    const current = planned({
      exdates: ['2026-03-09T09:00:00'],
      rdates: ['2026-02-04T12:00:00'],
      overrides: [override('2026-03-16T09:00:00', { starts_local: '2026-03-17T11:00:00' })],
      guests: [guest('g1')],
      responses: [answer('2026-02-09T09:00:00')],
      reminders: [reminder('r1', { applies_to: 'this', recurrence_id: '2026-02-09T09:00:00' })],
    });
    const shifted = update(current, 'all', null, { starts_local: '2026-02-02T11:00:00' });
    expect(applyPlan(current, shifted)[0]).toMatchObject({
      starts_local: '2026-02-02T11:00:00',
      exdates: ['2026-03-09T11:00:00'],
      rdates: ['2026-02-04T14:00:00'],
      overrides: [{ recurrence_id: '2026-03-16T11:00:00', starts_local: '2026-03-17T13:00:00' }],
      responses: [{ recurrence_id: '2026-02-09T11:00:00' }],
      reminders: [{ recurrence_id: '2026-02-09T11:00:00' }],
    });
    expect(counts(shifted)).toEqual([0, 0, 0]);
  });

  it('moves the series by what one of its occurrences moves, and the one weekday of the rule with it', () => {
    const current = planned({ rrule: 'FREQ=WEEKLY;UNTIL=20260302T140000Z;BYDAY=MO' });
    const moved = plan(current, 'move', 'all', '2026-02-16T09:00:00', { starts_local: '2026-02-18T10:00:00' });
    const [after] = applyPlan(current, moved);
    expect(after).toMatchObject({
      starts_local: '2026-02-04T10:00:00',
      rrule: 'FREQ=WEEKLY;UNTIL=20260304T150000Z;BYDAY=WE',
    });
    expect(startsOf(after!)).toHaveLength(5);
  });

  it('refuses to move a rule of several weekdays to a day that is none of them', () => {
    const current = planned({ rrule: 'FREQ=WEEKLY;BYDAY=MO,WE' });
    expect(() => update(current, 'all', null, { starts_local: '2026-02-03T09:00:00' })).toThrow(
      expect.objectContaining({ code: 'schedule.start_not_in_rule', pointer: '/starts_local' }),
    );
    const both = { starts_local: '2026-02-03T09:00:00', rrule: 'FREQ=WEEKLY;BYDAY=TU,TH' };
    expect(update(current, 'all', null, both).schedules).toMatchObject([{ fields: both }]);
    expect(() => update(current, 'all', null, { rrule: 'FREQ=WEEKLY;BYDAY=TU' })).toThrow(
      expect.objectContaining({ code: 'schedule.start_not_in_rule', pointer: '/rrule' }),
    );
  });

  it('moves the day of a month along', () => {
    const current = planned({ rrule: 'FREQ=MONTHLY;BYMONTHDAY=2' });
    const [after] = applyPlan(current, update(current, 'all', null, { starts_local: '2026-02-04T09:00:00' }));
    expect(after!.rrule).toBe('FREQ=MONTHLY;BYMONTHDAY=4');
  });

  it('keeps of a changed rule what still names an occurrence', () => {
    const current = planned({
      overrides: [
        override('2026-02-09T09:00:00', { title: 'lost' }),
        override('2026-02-16T09:00:00', { title: 'kept' }),
      ],
    });
    const changed = update(current, 'all', null, { rrule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO' });
    expect(applyPlan(current, changed)[0]!.overrides).toMatchObject([{ title: 'kept' }]);
    expect(changed.lost.overrides).toMatchObject([{ title: 'lost' }]);
  });

  it('keeps the wall clock in another zone, and ends on the same day', () => {
    const current = planned({ rrule: 'FREQ=WEEKLY;UNTIL=20260302T140000Z;BYDAY=MO' });
    const [after] = applyPlan(current, update(current, 'all', null, { time_zone: 'Asia/Jakarta' }));
    expect(after).toMatchObject({
      starts_local: '2026-02-02T09:00:00',
      rrule: 'FREQ=WEEKLY;UNTIL=20260302T020000Z;BYDAY=MO',
    });
    expect(startsOf(after!)).toHaveLength(5);
  });

  it('makes days of times and times of days', () => {
    const current = planned({
      rrule: 'FREQ=WEEKLY;UNTIL=20260302T140000Z;BYDAY=MO',
      exdates: ['2026-02-16T09:00:00'],
      overrides: [
        override('2026-02-09T09:00:00', { title: 'x', starts_local: '2026-02-10T12:00:00', duration_seconds: 60 }),
      ],
    });
    const [days] = applyPlan(current, update(current, 'all', null, { is_all_day: true, starts_local: '2026-02-02' }));
    expect(days).toMatchObject({
      starts_local: '2026-02-02',
      time_zone: null,
      duration_seconds: 86_400,
      rrule: 'FREQ=WEEKLY;UNTIL=20260302;BYDAY=MO',
      exdates: ['2026-02-16'],
      overrides: [{ recurrence_id: '2026-02-09', starts_local: '2026-02-10', duration_seconds: null }],
    });
    const times = {
      is_all_day: false,
      starts_local: '2026-02-02T08:00:00',
      time_zone: 'America/New_York',
      duration_seconds: 1_800,
    };
    const [back] = applyPlan(days!, update(days!, 'all', null, times));
    expect(back).toMatchObject({
      ...times,
      rrule: 'FREQ=WEEKLY;UNTIL=20260302T130000Z;BYDAY=MO',
      exdates: ['2026-02-16T08:00:00'],
      overrides: [{ recurrence_id: '2026-02-09T08:00:00', starts_local: '2026-02-10T08:00:00' }],
    });
    expect(startsOf(back!)).toHaveLength(4);
  });

  it('in the name of one occurrence is what that one is, whatever it had of its own', () => {
    const current = planned({
      overrides: [override('2026-02-09T09:00:00', { title: 'Demo', starts_local: '2026-02-09T15:00:00' })],
    });
    const [after] = applyPlan(
      current,
      update(current, 'all', '2026-02-09T09:00:00', { starts_local: '2026-02-09T10:00:00' }),
    );
    expect(after).toMatchObject({
      starts_local: '2026-02-02T10:00:00',
      overrides: [{ title: 'Demo', starts_local: null }],
    });
  });

  it('of the text alone moves nothing, and twice is once', () => {
    const current = planned({ overrides: [override('2031-01-01T00:00:00', { title: 'of an import, names nothing' })] });
    const once = update(current, 'all', null, { title: 'New', color: '#112233' });
    expect(once).toMatchObject({ occurrences_changed: false, schedules: [{ changed: ['title', 'color'] }] });
    expect(counts(once)).toEqual([0, 0, 0]);
    expect(update(applyPlan(current, once)[0]!, 'all', null, { title: 'New', color: '#112233' }).schedules).toEqual([]);
  });

  it('never leaves the years that a calendar has, whoever moves it', () => {
    const old = planned({ starts_local: '1950-01-02T09:00:00', exdates: ['2099-12-28T09:00:00'] });
    const refused = expect.objectContaining({ code: 'schedule.out_of_range', pointer: '/starts_local' });
    expect(() => update(old, 'all', '2026-02-02T09:00:00', { starts_local: '1960-02-01T09:00:00' })).toThrow(refused);
    expect(() => update(old, 'all', null, { starts_local: '1952-01-07T09:00:00' })).toThrow(refused);
    const zones = { starts_local: '2100-12-31T20:00:00', time_zone: 'America/New_York' };
    const jakarta = planned({ time_zone: 'Asia/Jakarta' });
    expect(() => update(jakarta, 'this', '2026-02-09T09:00:00', zones)).toThrow(refused);
  });

  it('whose rule would become too long is refused', () => {
    const days = Array.from({ length: 122 }, (_, day) => day + 230).join(',');
    const long = planned({ starts_local: '2026-08-18T09:00:00', rrule: `FREQ=YEARLY;BYYEARDAY=${days}` });
    expect(long.rrule!.length).toBeLessThan(512);
    expect(() => update(long, 'following', '2026-08-20T09:00:00', { title: 'x' })).toThrow(
      expect.objectContaining({ code: 'schedule.rule_refused', pointer: '/rrule' }),
    );
  });

  it('without its rule is once: the first that there still was, or the one that is named', () => {
    const current = planned({
      exdates: ['2026-02-02T09:00:00'],
      overrides: [override('2026-02-16T09:00:00', { title: 'x' })],
    });
    expect(applyPlan(current, update(current, 'all', null, { rrule: null }))[0]).toMatchObject({
      starts_local: '2026-02-09T09:00:00',
      overrides: [],
    });
    const later = { rrule: null, starts_local: '2026-02-16T11:00:00' };
    const [head, once] = applyPlan(current, update(current, 'following', '2026-02-16T09:00:00', later));
    expect(names(head)).toEqual(['2026-02-09T09:00:00']);
    expect(once).toMatchObject({ ...later, overrides: [{ recurrence_id: '2026-02-16T11:00:00', title: 'x' }] });
    expect(names(once)).toEqual(['2026-02-16T11:00:00']);
  });

  it('that would leave nothing is refused', () => {
    const current = planned({ rrule: 'FREQ=WEEKLY;COUNT=2;BYDAY=MO' });
    const exdates = ['2026-02-02T09:00:00', '2026-02-09T09:00:00'];
    expect(() => update(current, 'all', null, { exdates })).toThrow(
      expect.objectContaining({ code: 'schedule.no_occurrence', pointer: '/exdates' }),
    );
  });
});
