import { randomUUIDv7 } from 'node:crypto';
import { ensureUser, type UserRow } from '../auth/queries.ts';
import type { BlockRow } from '../canvas/queries.ts';
import type { TestDatabase } from './database.ts';

export interface SeededWorkspace {
  workspace_id: string;
  owner_user_id: string;
}

export interface SeededCanvas {
  canvas_id: string;
  workspace_id: string;
  /** Owner of the workspace, and who made the canvas. */
  user_id: string;
}

/** A user as the first token makes one, with a personal workspace. */
export async function seedUser(
  t: TestDatabase,
  overrides: { user_id?: string; email?: string; name?: string } = {},
): Promise<UserRow & { email: string }> {
  const user_id = overrides.user_id ?? randomUUIDv7();
  const email = overrides.email ?? `user-${user_id}@example.test`;
  const row = await ensureUser(t.db, user_id, email, overrides.name ?? `User ${user_id.slice(-4)}`);
  return { ...row, email };
}

/** A workspace that is not personal. Without an owner one is seeded. */
export async function seedWorkspace(t: TestDatabase, owner?: { user_id: string }): Promise<SeededWorkspace> {
  const owner_user_id = owner?.user_id ?? (await seedUser(t)).user_id;
  const workspace_id = randomUUIDv7();
  await t.asOwner('insert into app.workspaces (id, name, owner_user_id) values ($1, $2, $3)', [
    workspace_id,
    'Seeded workspace',
    owner_user_id,
  ]);
  return { workspace_id, owner_user_id };
}

/** A member of a workspace, by default a new user as `member`. */
export async function addMember(
  t: TestDatabase,
  workspace: { workspace_id: string },
  role: 'admin' | 'member' | 'guest' = 'member',
  user?: { user_id: string },
): Promise<{ user_id: string }> {
  const user_id = user?.user_id ?? (await seedUser(t)).user_id;
  await t.asOwner(
    `insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, $3)
     on conflict (workspace_id, user_id) do update set role = excluded.role`,
    [workspace.workspace_id, user_id, role],
  );
  return { user_id };
}

/** An invitation to one canvas, by default of a new user as `editor`. */
export async function addCanvasAccess(
  t: TestDatabase,
  canvas: SeededCanvas,
  role: 'admin' | 'editor' | 'commenter' | 'viewer' = 'editor',
  user?: { user_id: string },
): Promise<{ user_id: string }> {
  const user_id = user?.user_id ?? (await seedUser(t)).user_id;
  await t.asOwner(
    `insert into app.canvas_access (workspace_id, canvas_id, user_id, role, invited_by) values ($1, $2, $3, $4, $5)
     on conflict (workspace_id, canvas_id, user_id) do update set role = excluded.role`,
    [canvas.workspace_id, canvas.canvas_id, user_id, role, canvas.user_id],
  );
  return { user_id };
}

/** A canvas in a workspace, else in a new user's personal one. */
export async function seedCanvas(
  t: TestDatabase,
  workspace?: SeededWorkspace,
  overrides: { title?: string; archived_at?: string } = {},
): Promise<SeededCanvas> {
  const home = workspace ?? (await personalWorkspace(t));
  const canvas_id = randomUUIDv7();
  await t.asOwner(
    'insert into app.canvases (id, workspace_id, title, created_by, archived_at) values ($1, $2, $3, $4, $5)',
    [
      canvas_id,
      home.workspace_id,
      overrides.title ?? 'Seeded canvas',
      home.owner_user_id,
      overrides.archived_at ?? null,
    ],
  );
  await t.asOwner('insert into app.canvas_heads (canvas_id, workspace_id) values ($1, $2)', [
    canvas_id,
    home.workspace_id,
  ]);
  return { canvas_id, workspace_id: home.workspace_id, user_id: home.owner_user_id };
}

async function personalWorkspace(t: TestDatabase): Promise<SeededWorkspace> {
  const user = await seedUser(t);
  return { workspace_id: user.personal_workspace_id, owner_user_id: user.user_id };
}

let next_rank = 0;

/** A block past all mutations (no event, no seq). Without a rank it stands behind those seeded before. */
export async function seedBlock(
  t: TestDatabase,
  canvas: SeededCanvas,
  overrides: Partial<Pick<BlockRow, 'id' | 'parent_id' | 'type' | 'content' | 'rank'>> & { deleted_at?: string } = {},
): Promise<{ id: string; rank: string; version: number }> {
  const id = overrides.id ?? randomUUIDv7();
  const rank = overrides.rank ?? `a${String(next_rank++).padStart(8, '0')}V`;
  await t.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by, deleted_at)
     values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $8, $9)`,
    [
      canvas.workspace_id,
      canvas.canvas_id,
      id,
      overrides.parent_id ?? null,
      overrides.type ?? 'text',
      JSON.stringify(overrides.content ?? { text: 'seeded' }),
      rank,
      canvas.user_id,
      overrides.deleted_at ?? null,
    ],
  );
  return { id, rank, version: 1 };
}
