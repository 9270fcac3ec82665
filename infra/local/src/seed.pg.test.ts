import { randomUUID } from 'node:crypto';
import { createTestDatabase } from '@potentia/db/testing/database';
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

it('makes the demo workspace once; the second user joins it by an invitation', async () => {
  await using database = await createTestDatabase();
  const users = [demoUser('one'), demoUser('two')];
  const connections = {
    database_urls: { app_user: database.app_url } as Parameters<typeof seedDemo>[0]['database_urls'],
    encryption_keys: `local:${Buffer.alloc(32).toString('base64')}`,
  };
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
