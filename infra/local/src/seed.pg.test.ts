import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { viewSchedules } from '@potentia/domain/calendar/view-schedules';
import { personCtx } from '@potentia/domain/platform/testing/person';
import { expect, it } from 'vitest';
import type { DemoUser } from './demo-users.ts';
import { seedDemo } from './seed.ts';

const demoUser = (name: string): DemoUser => ({
  user_id: randomUUID(),
  name,
  email: `${name}@example.test`,
  password: '',
  access_token: '',
  header_file: '',
});

const connectionsTo = (database: TestDatabase): Parameters<typeof seedDemo>[0] => ({
  database_urls: { app_user: database.app_url } as Parameters<typeof seedDemo>[0]['database_urls'],
  encryption_keys: `local:${Buffer.alloc(32).toString('base64')}`,
});

it('makes the demo workspace once; the second user joins it by an invitation', async () => {
  await using database = await createTestDatabase();
  const users = [demoUser('one'), demoUser('two')];
  const connections = connectionsTo(database);
  const canvas_id = await seedDemo(connections, users);
  expect(await seedDemo(connections, users)).toBe(canvas_id);
  const workspaces = await database.asOwner(
    `select w.owner_user_id, m.user_id, m.role, i.status from app.workspaces w
     join app.workspace_members m on m.workspace_id = w.id
     join app.invitations i on i.workspace_id = w.id and i.accepted_by = m.user_id
     where not w.is_personal`,
  );
  expect(workspaces).toEqual([
    { owner_user_id: users[0]!.user_id, user_id: users[1]!.user_id, role: 'member', status: 'accepted' },
  ]);
});

it('fills a calendar once that both see at their first look: a weekly meeting, moved once, and an all-day event', async () => {
  await using database = await createTestDatabase();
  const users = [demoUser('one'), demoUser('two')];
  for (const _ of [1, 2]) await seedDemo(connectionsTo(database), users);
  const [from, to] = [-7, 21].map((days) => new Date(Date.now() + days * 86_400_000).toISOString());
  for (const { user_id } of users) {
    const { json } = await viewSchedules(personCtx(database.db, user_id), { from: from!, to: to! });
    const { items } = JSON.parse(json) as { items: { title: string; starts_at: string }[] };
    expect(items.filter(({ title }) => title === 'Team day')).toHaveLength(1);
    const meetings = items.filter(({ title }) => title === 'Weekly meeting');
    expect(meetings.length).toBeGreaterThanOrEqual(3);
    const days = meetings.map(({ starts_at }) => new Date(starts_at).getUTCDay());
    expect(days.filter((day) => day !== 1)).toEqual([2]);
  }
  const rows = await database.asOwner(
    `select s.role, g.user_id as guest, r.minutes_before from app.calendars c
     join app.calendar_subscriptions s on s.calendar_id = c.id and s.user_id = $1
     join app.schedule_guests g on g.calendar_id = c.id join app.schedule_reminders r on r.calendar_id = c.id
     where c.name = 'Team'`,
    [users[1]!.user_id],
  );
  expect(rows).toEqual([{ role: 'editor', guest: users[1]!.user_id, minutes_before: 10 }]);
});
