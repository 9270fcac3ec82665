import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isSaidWhen, type Timing } from './said-when.ts';
import { saidTimes } from './said-times.ts';

/** Monday, 08:00 in Jakarta. */
const at = { now: '2026-03-02T01:00:00Z', time_zone: 'Asia/Jakarta' };
const isSaid = (message: string, timing: Timing): boolean => isSaidWhen(timing, saidTimes(message, at));

interface Call {
  name: string;
  arguments: Record<string, string | number | undefined>;
}
interface Sentences {
  now: string;
  time_zone: string;
  cases: [string, { calls?: Call[] } | null][];
}
const corpus = JSON.parse(
  readFileSync(new URL('../testing/command-corpus.json', import.meta.url), 'utf8'),
) as Sentences[];
const made = corpus.flatMap(({ now, time_zone, cases }) =>
  cases.flatMap(([text, command]) =>
    (command?.calls ?? [])
      .filter(({ name }) => name === 'set_reminder' || name === 'create_schedule')
      .map((call) => ({ text, call, when: { now, time_zone } })),
  ),
);

describe('the times of a write', () => {
  it.each(made)('are those of: $text', ({ text, call, when }) => {
    const { at: time, starts_local = time, duration_minutes: length, rrule } = call.arguments;
    const timing = { starts_local, length, rrule } as Timing;
    expect(isSaidWhen(timing, saidTimes(text, when))).toBe(true);
  });

  it.each<[string, Timing]>([
    ['remind me at 8 to stretch', { starts_local: '2026-03-03T08:00:00' }],
    ['remind me at 8 to stretch', { starts_local: '2026-03-02T20:00:00' }],
    ['at nine tomorrow: pay', { starts_local: '2026-03-03T09:00:00' }],
    ['wake me in 20 minutes', { starts_local: '2026-03-02T08:20:00' }],
    ['tomorrow morning', { starts_local: '2026-03-03T09:30:00' }],
    ['lunch on Friday 12 to 1', { starts_local: '2026-03-06T12:00:00', length: 60 }],
    ['block 5 to 9 May', { starts_local: '2026-05-05', length: 5 * 1_440 }],
    ['besok jam setengah sembilan', { starts_local: '2026-03-03T08:30:00' }],
    ['setiap Senin jam 7', { starts_local: '2026-03-09T07:00:00', rrule: 'FREQ=WEEKLY;BYDAY=MO' }],
    ['every day at 7', { starts_local: '2026-03-03T07:00:00', rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU' }],
    ['every weekday at 8', { starts_local: '2026-03-03T08:00:00', rrule: 'FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR' }],
    ['every week at 8', { starts_local: '2026-03-03T08:00:00', rrule: 'FREQ=WEEKLY;BYDAY=TU' }],
    ['every day at 8, 10 times', { starts_local: '2026-03-03T08:00:00', rrule: 'FREQ=DAILY;COUNT=10' }],
    ['move it to Friday', { starts_local: '2026-03-06T10:00:00', from_local: '2026-03-04T10:00:00' }],
    ['move it to 11', { starts_local: '2026-03-04T11:00:00', from_local: '2026-03-04T10:00:00' }],
    ['push it back by half an hour', { starts_local: '2026-03-04T10:30:00', from_local: '2026-03-04T10:00:00' }],
    ['undur 30 menit', { starts_local: '2026-03-04T10:30:00', from_local: '2026-03-04T10:00:00' }],
    ['make it 45 minutes long', { length: 45 }],
    ['cancel it tomorrow', { meant_local: '2026-03-03T10:00:00' }],
    ['cancel it', { meant_local: '2026-03-20T10:00:00' }],
    ['snooze', { starts_local: '2026-03-02T08:10:00', is_again: true }],
  ])('are said by: %s', (message, timing) => {
    expect(isSaid(message, timing)).toBe(true);
  });

  it.each<[string, Timing]>([
    ['remind me to stretch', { starts_local: '2026-03-03T08:00:00' }],
    ['remind me at 8 to stretch', { starts_local: '2026-03-03T09:00:00' }],
    ['remind me at 8 to stretch', { starts_local: '2026-03-05T08:00:00' }],
    ['remind me at 8am to stretch', { starts_local: '2026-03-02T20:00:00' }],
    ['tomorrow morning', { starts_local: '2026-03-03T03:00:00' }],
    ['tomorrow at 8', { starts_local: '2026-03-04T08:00:00' }],
    ['wake me in 20 minutes', { starts_local: '2026-03-02T10:20:00' }],
    ['every Monday at 7', { starts_local: '2026-03-09T07:00:00', rrule: 'FREQ=DAILY' }],
    ['every Monday at 7', { starts_local: '2026-03-09T07:00:00', rrule: 'FREQ=WEEKLY;BYDAY=MO,TU' }],
    ['every Monday at 7', { starts_local: '2026-03-09T07:00:00', rrule: 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=1,2,3' }],
    ['every Monday at 7', { starts_local: '2026-03-09T07:00:00', rrule: 'FREQ=WEEKLY;BYDAY=MO;COUNT=1' }],
    ['every Monday at 7', { starts_local: '2026-03-09T07:00:00', rrule: 'FREQ=WEEKLY;INTERVAL=4;BYDAY=MO' }],
    ['tomorrow at 7', { starts_local: '2026-03-03T07:00:00', rrule: 'FREQ=DAILY' }],
    ['lunch tomorrow at 12', { starts_local: '2026-03-03T12:00:00', length: 700 }],
    ['holiday on 5 May', { starts_local: '2026-05-05', length: 9 * 1_440 }],
    ['move it to Friday', { starts_local: '2026-03-06T03:00:00', from_local: '2026-03-04T10:00:00' }],
    ['move it to Friday', { starts_local: '2026-03-05T10:00:00', from_local: '2026-03-04T10:00:00' }],
    ['move it', { starts_local: '2026-03-05T10:00:00', from_local: '2026-03-04T10:00:00' }],
    ['push it back by half an hour', { starts_local: '2026-03-04T12:30:00', from_local: '2026-03-04T10:00:00' }],
    ['make it 45 minutes long', { length: 1 }],
    ['cancel it tomorrow', { meant_local: '2026-03-04T10:00:00' }],
    ['cancel my 3pm', { meant_local: '2026-03-03T10:00:00' }],
    ['snooze for 10 minutes', { starts_local: '2026-03-02T18:10:00', is_again: true }],
  ])('are not said by: %s', (message, timing) => {
    expect(isSaid(message, timing)).toBe(false);
  });
});
