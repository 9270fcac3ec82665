import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { type ApiKeyRow, createApiKey } from '../auth/api-key-queries.ts';
import { ensureUser, type UserRow } from '../auth/queries.ts';
import type { BlockRow } from '../canvas/rows.ts';
import type { Db, Queryable } from '../client.ts';
import { withContext } from '../context.ts';
import { createWebhook, type WebhookRow } from '../webhook/queries.ts';

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

/** A user as the first token makes one, with a personal workspace. `db` is app_user's, here and below. */
export async function seedUser(
  db: Db,
  overrides: { user_id?: string; email?: string; name?: string } = {},
): Promise<UserRow & { email: string }> {
  const user_id = overrides.user_id ?? randomUUIDv7();
  const email = overrides.email ?? `user-${user_id}@example.test`;
  const row = await ensureUser(db, { user_id, email, name: overrides.name ?? `User ${user_id.slice(-4)}` });
  return { ...row, email };
}

/** A workspace that is not personal. Without an owner one is seeded. */
export async function seedWorkspace(db: Db, owner?: { user_id: string }): Promise<SeededWorkspace> {
  const owner_user_id = owner?.user_id ?? (await seedUser(db)).user_id;
  const workspace_id = randomUUIDv7();
  await write(
    db,
    { workspace_id, owner_user_id },
    'insert into app.workspaces (id, name, owner_user_id) values ($1, $2, $3)',
    [workspace_id, 'Seeded workspace', owner_user_id],
  );
  return { workspace_id, owner_user_id };
}

/** A member of a workspace, by default a new user as `member`. */
export async function addMember(
  db: Db,
  workspace: SeededWorkspace,
  role: 'admin' | 'member' | 'guest' = 'member',
  user?: { user_id: string },
): Promise<{ user_id: string }> {
  const user_id = user?.user_id ?? (await seedUser(db)).user_id;
  await write(
    db,
    workspace,
    `insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, $3)
     on conflict (workspace_id, user_id) do update set role = excluded.role`,
    [workspace.workspace_id, user_id, role],
  );
  return { user_id };
}

/** An invitation to one canvas, by default of a new user as `editor`; without outbox row or audit. */
export async function addCanvasAccess(
  db: Db,
  canvas: SeededCanvas,
  role: 'admin' | 'editor' | 'commenter' | 'viewer' = 'editor',
  user?: { user_id: string },
): Promise<{ user_id: string }> {
  const user_id = user?.user_id ?? (await seedUser(db)).user_id;
  await write(
    db,
    homeOf(canvas),
    `insert into app.canvas_access (workspace_id, canvas_id, user_id, role, invited_by) values ($1, $2, $3, $4, $5)
     on conflict (workspace_id, canvas_id, user_id) do update set role = excluded.role`,
    [canvas.workspace_id, canvas.canvas_id, user_id, role, canvas.user_id],
  );
  return { user_id };
}

/** A canvas in a workspace, else in a new user's personal one. */
export async function seedCanvas(
  db: Db,
  workspace?: SeededWorkspace,
  overrides: { title?: string; archived_at?: string } = {},
): Promise<SeededCanvas> {
  const home = workspace ?? (await seedPersonalSpace(db));
  const canvas_id = randomUUIDv7();
  await write(
    db,
    home,
    'insert into app.canvases (id, workspace_id, title, created_by, archived_at) values ($1, $2, $3, $4, $5)',
    [
      canvas_id,
      home.workspace_id,
      overrides.title ?? 'Seeded canvas',
      home.owner_user_id,
      overrides.archived_at ?? null,
    ],
  );
  await write(db, home, 'insert into app.canvas_heads (canvas_id, workspace_id) values ($1, $2)', [
    canvas_id,
    home.workspace_id,
  ]);
  return { canvas_id, workspace_id: home.workspace_id, user_id: home.owner_user_id };
}

let next_rank = 0;

/** A block past all mutations (no event, no seq). Without a rank it stands behind those seeded before. */
export async function seedBlock(
  db: Db,
  canvas: SeededCanvas,
  overrides: Partial<Pick<BlockRow, 'id' | 'parent_id' | 'type' | 'content' | 'rank'>> & { deleted_at?: string } = {},
): Promise<{ id: string; rank: string; version: number }> {
  const id = overrides.id ?? randomUUIDv7();
  const rank = overrides.rank ?? `a${String(next_rank++).padStart(8, '0')}V`;
  await write(
    db,
    homeOf(canvas),
    `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by, deleted_at, trashed_with)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, case when $9::timestamptz is not null then $3::uuid end)`,
    [
      canvas.workspace_id,
      canvas.canvas_id,
      id,
      overrides.parent_id ?? null,
      overrides.type ?? 'text',
      overrides.content ?? { text: 'seeded' },
      rank,
      canvas.user_id,
      overrides.deleted_at ?? null,
    ],
  );
  return { id, rank, version: 1 };
}

/** A file of a canvas, ready unless said otherwise; nothing stands in a store. */
export async function seedAttachment(
  db: Db,
  canvas: SeededCanvas,
  overrides: { id?: string; object_key?: string; size?: number; status?: 'pending' | 'ready' } = {},
): Promise<{ id: string; object_key: string }> {
  const { id = randomUUIDv7(), size = 1, status = 'ready' } = overrides;
  const object_key = overrides.object_key ?? `seeded/${randomUUIDv7()}`;
  await write(
    db,
    homeOf(canvas),
    `insert into app.attachments (workspace_id, canvas_id, id, object_key, name, media_type, size, status, created_by)
     values ($1, $2, $3, $4, 'seeded.txt', 'text/plain', $5, $6, $7)`,
    [canvas.workspace_id, canvas.canvas_id, id, object_key, size, status, canvas.user_id],
  );
  return { id, object_key };
}

/** An export of a workspace that has ended. */
export async function seedTransfer(db: Db, workspace: SeededWorkspace): Promise<{ id: string }> {
  const id = randomUUIDv7();
  await write(
    db,
    workspace,
    `insert into app.transfers (id, workspace_id, kind, status, created_by, expires_at)
     values ($1, $2, 'export', 'finished', $3, now())`,
    [id, workspace.workspace_id, workspace.owner_user_id],
  );
  return { id };
}

/** A pending invitation by the owner: to a workspace, or with a canvas to that. By default to a new address. */
export async function seedInvitation(
  db: Db,
  home: SeededWorkspace,
  overrides: { canvas_id?: string; user_id?: string; email?: string; role?: string; token_hash?: string } = {},
): Promise<{ id: string; token_hash: string }> {
  const { canvas_id, user_id } = overrides;
  const id = randomUUIDv7();
  const token_hash = overrides.token_hash ?? randomBytes(32).toString('hex');
  const email = user_id === undefined ? (overrides.email ?? `invited-${id}@example.test`) : null;
  await write(
    db,
    home,
    `insert into app.invitations (id, workspace_id, canvas_id, type, user_id, email, role, token_hash, expires_at, invited_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now() + interval '1 day', $9)`,
    [
      id,
      home.workspace_id,
      canvas_id ?? null,
      user_id === undefined ? 'EMAIL' : 'USER_ID',
      user_id ?? null,
      email,
      overrides.role ?? (canvas_id === undefined ? 'member' : 'editor'),
      token_hash,
      home.owner_user_id,
    ],
  );
  return { id, token_hash };
}

/** An API key of a workspace, made by its owner, with the user that it acts as. `key_hash` is of a key that nobody has. */
export async function seedApiKey(
  db: Db,
  workspace: SeededWorkspace,
  overrides: { scopes?: string[]; key_hash?: string; expires_at?: string } = {},
): Promise<ApiKeyRow> {
  return createApiKey(db, {
    user_id: workspace.owner_user_id,
    workspace_id: workspace.workspace_id,
    id: randomUUIDv7(),
    name: 'Seeded key',
    scopes: overrides.scopes ?? ['canvas:read'],
    prefix: 'pot_seed',
    last_four: 'seed',
    key_hash: overrides.key_hash ?? randomBytes(32).toString('hex'),
    expires_at: overrides.expires_at ?? null,
    request_id: 'seed',
  });
}

/** An endpoint made by the workspace's owner, which wants to be told of everything. Its sealed secret opens nowhere. */
export async function seedWebhook(
  db: Db,
  workspace: SeededWorkspace,
  overrides: { url?: string; event_types?: string[]; secret?: string; webhook_id?: string } = {},
): Promise<WebhookRow> {
  return createWebhook(db, {
    user_id: workspace.owner_user_id,
    workspace_id: workspace.workspace_id,
    webhook_id: overrides.webhook_id ?? randomUUIDv7(),
    url: overrides.url ?? 'https://hooks.example.test/',
    description: '',
    event_types: overrides.event_types ?? [],
    secret: overrides.secret ?? 'sealed',
    limit: 20,
    request_id: 'seed',
  });
}

async function seedPersonalSpace(db: Db): Promise<SeededWorkspace> {
  const user = await seedUser(db);
  return { workspace_id: user.personal_workspace_id, owner_user_id: user.user_id };
}

const homeOf = (canvas: SeededCanvas): SeededWorkspace => ({
  workspace_id: canvas.workspace_id,
  owner_user_id: canvas.user_id,
});

/** Past the verbs, and into workspaces that do not exist yet: the tenant is set without asking. */
async function write(db: Db, home: SeededWorkspace, text: string, params: unknown[]): Promise<void> {
  await withContext(db, { user_id: home.owner_user_id }, async (tx: Queryable) => {
    await tx.call(`select set_config('app.workspace_id', $1, true)`, [home.workspace_id]);
    await tx.call(text, params);
  });
}
