import type { TestDatabase } from '@potentia/db/testing/database';

/**
 * 1,000 people in 10 workspaces, each of whom subscribes to 10 calendars with two daily series each: 7,300,000 instances of a
 * year, in the order in which jobs write them, schedule by schedule.
 */
const STEPS = {
  users: `
    insert into app.users (id, email, name) select bench_id('user', i), 'user-' || i || '@example.test', 'User ' || i
    from generate_series(0, 999) i`,
  workspaces: `
    insert into app.workspaces (id, name, owner_user_id)
    select bench_id('workspace', i), 'Workspace ' || i, bench_id('user', i * 100) from generate_series(0, 9) i`,
  members: `
    insert into app.workspace_members (workspace_id, user_id, role)
    select bench_id('workspace', i / 100), bench_id('user', i), 'member' from generate_series(0, 999) i where i % 100 > 0`,
  calendars: `
    insert into app.calendars (id, workspace_id, owner_user_id, name, time_zone)
    select bench_id('calendar', i), bench_id('workspace', i / 100), bench_id('user', i), 'Calendar ' || i, 'UTC'
    from generate_series(0, 999) i`,
  subscriptions: `
    insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
    select bench_id('workspace', i / 100), bench_id('calendar', i), u.id, case n when 0 then 'owner' else 'viewer' end, n = 0, u.id, u.id
    from generate_series(0, 999) i, generate_series(0, 9) n,
      lateral (select bench_id('user', i / 100 * 100 + (i + n) % 100) as id) u`,
  schedules: `
    insert into app.schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, location, starts_local, time_zone,
      duration_seconds, rrule, first_at, materialised_from, materialised_until, created_by)
    select bench_id('schedule', i * 2 + n), bench_id('workspace', i / 100), bench_id('calendar', i), 'schedule-' || i || '-' || n,
      bench_id('user', i), 'Daily meeting ' || i || ' of team ' || n, 'Room ' || n, s.starts, 'UTC', 1800, 'FREQ=DAILY',
      s.starts at time zone 'UTC', '2025-10-01', '2027-02-01', bench_id('user', i)
    from generate_series(0, 999) i, generate_series(0, 1) n,
      lateral (select timestamp '2026-01-01' + make_interval(mins => 15 * ((i * 7 + n * 13) % 96)) as starts) s`,
  instances: `
    insert into app.schedule_instances (calendar_id, schedule_id, user_id, recurrence_id, starts_at, ends_at, is_override)
    select s.calendar_id, s.id, b.user_id, s.starts_local + d * interval '1 day', s.first_at + d * interval '1 day',
      s.first_at + d * interval '1 day' + interval '30 minutes', false
    from app.schedules s join app.calendar_subscriptions b on b.calendar_id = s.calendar_id, generate_series(0, 364) d
    order by s.id, b.user_id, d`,
};

/** Fills a database past all triggers and checks of references, and analyses it. Answers how long each step took, in ms. */
export async function fillInstances(t: TestDatabase): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  const run = async (name: string, text: string): Promise<void> => {
    const began = performance.now();
    await t.asOwner(text);
    times[name] = Math.round(performance.now() - began);
  };
  await t.asOwner('set session_replication_role = replica');
  await t.asOwner('set synchronous_commit = off');
  await t.asOwner(`create function bench_id(text, int) returns uuid language sql immutable parallel safe
    return md5($1 || $2)::uuid`);
  for (const [name, text] of Object.entries(STEPS)) await run(name, text);
  await run('vacuum analyze', 'vacuum analyze');
  return times;
}
