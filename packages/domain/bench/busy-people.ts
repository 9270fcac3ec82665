import type { TestDatabase } from '@potentia/db/testing/database';

const PEOPLE = 100;

/**
 * 100 people of one workspace, each with 10 calendars with two daily meetings each: 980,000 instances, in the order in which jobs
 * write them, schedule by schedule. Three of the ten affect them: one's own and two to which one writes; merged some three
 * intervals a day.
 */
const STEPS = [
  `create function bench_id(text, int) returns uuid language sql immutable parallel safe return overlay(overlay(md5($1 || $2) placing '7' from 13) placing '8' from 17)::uuid`,
  `insert into app.users (id, email, name, time_zone)
   select bench_id('user', i), 'user-' || i || '@example.test', 'User ' || i, 'Asia/Jakarta' from generate_series(0, ${PEOPLE - 1}) i`,
  `insert into app.workspaces (id, name, owner_user_id) values (bench_id('workspace', 0), 'Workspace', bench_id('user', 0))`,
  `insert into app.workspace_members (workspace_id, user_id, role)
   select bench_id('workspace', 0), bench_id('user', i), 'member' from generate_series(1, ${PEOPLE - 1}) i`,
  `insert into app.calendars (id, workspace_id, owner_user_id, name, seq)
   select bench_id('calendar', i), bench_id('workspace', 0), bench_id('user', i), 'Calendar ' || i, i from generate_series(0, ${PEOPLE - 1}) i`,
  `insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
   select bench_id('workspace', 0), bench_id('calendar', i), u.id, case when n = 0 then 'owner' when n < 3 then 'editor' else 'viewer' end, n < 3, u.id, u.id
   from generate_series(0, ${PEOPLE - 1}) i, generate_series(0, 9) n, lateral (select bench_id('user', (i + n) % ${PEOPLE}) as id) u`,
  `insert into app.user_calendar_heads (user_id, seq) select u.id, 7 from app.users u`,
  `insert into app.schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, starts_local, time_zone,
     duration_seconds, rrule, first_at, materialised_from, materialised_until, created_by)
   select bench_id('schedule', i * 2 + n), bench_id('workspace', 0), bench_id('calendar', i), 'schedule-' || i || '-' || n,
     bench_id('user', i), 'Daily meeting', s.starts, 'UTC', 1800, 'FREQ=DAILY', s.starts at time zone 'UTC', '2025-12-01', '2027-04-05',
     bench_id('user', i)
   from generate_series(0, ${PEOPLE - 1}) i, generate_series(0, 1) n,
     lateral (select timestamp '2025-12-01' + make_interval(hours => 2 + i * 5 % 9, mins => 30 * n) as starts) s`,
  `insert into app.schedule_instances (calendar_id, schedule_id, user_id, recurrence_id, starts_at, ends_at, is_override)
   select s.calendar_id, s.id, b.user_id, s.starts_local + d * interval '1 day', s.first_at + d * interval '1 day',
     s.first_at + d * interval '1 day' + interval '30 minutes', false
   from app.schedules s join app.calendar_subscriptions b on b.calendar_id = s.calendar_id, generate_series(0, 489) d
   order by s.id, b.user_id, d`,
  'vacuum analyze',
];

/** Fills a database past all triggers and checks of references, and analyses it. Answers the ids of the people. */
export async function fillBusyPeople(t: TestDatabase): Promise<string[]> {
  await t.asOwner('set session_replication_role = replica');
  await t.asOwner('set synchronous_commit = off');
  for (const step of STEPS) await t.asOwner(step);
  return (await t.asOwner<{ id: string }>('select id from app.users order by id')).map(({ id }) => id);
}
