import { createLogger } from '@potentia/config/logger';
import { createDb, type Db } from '@potentia/db/client';
import { createEnsureUser } from '@potentia/domain/auth/ensure-user';
import { createMarkdown } from '@potentia/domain/canvas/adapters/markdown-processes';
import { createCanvas } from '@potentia/domain/canvas/create-canvas';
import { importMarkdown } from '@potentia/domain/canvas/import-markdown';
import { listCanvases } from '@potentia/domain/canvas/list-canvases';
import type { UserCtx } from '@potentia/domain/platform/ctx';
import type { DatabaseUrls } from './database.ts';
import type { DemoUser } from './demo-users.ts';

const WORKSPACE_ID = '00000000-0000-4000-8000-00000000000a';
const CANVAS_TITLE = 'Demo canvas';
const DEADLINE_MS = 10_000;

const CONTENT = `# Welcome to Potentia

Two people edit this canvas at once: open the console, type on one side, and watch the other.

- Every block is a row with a version
- Every change is an event with a number

- [x] Start Potentia
- [ ] Type in one pane
- [ ] See it move in the other

> What is not said cannot be remembered.

\`\`\`ts
const partner = 'proactive';
\`\`\`
`;

/**
 * Makes the demo workspace (the first user owns it, the second is a member) and its canvas, where they are missing.
 * Answers the canvas's id.
 */
export async function seedDemo(urls: DatabaseUrls, users: DemoUser[]): Promise<string> {
  const [owner, member] = users;
  if (!owner || !member) throw new Error('the demo workspace needs two users');
  const connection = { pool_size: 1, timeout_ms: DEADLINE_MS, prepare: false, application_name: 'potentia-seed' };
  const db = createDb({ ...connection, url: urls.app_user });
  const admin = createDb({ ...connection, url: urls.superuser });
  try {
    const ensureUser = createEnsureUser();
    await ensureUser(db, owner);
    await ensureUser(db, member);
    await seedWorkspace(admin, owner, member);
    return await seedCanvas(db, owner);
  } finally {
    await Promise.all([db.end(), admin.end()]);
  }
}

/** By SQL: the verbs of workspaces are not written yet. */
async function seedWorkspace(admin: Db, owner: DemoUser, member: DemoUser): Promise<void> {
  await admin.call(
    `insert into app.workspaces (id, name, owner_user_id) values ($1, 'Demo workspace', $2) on conflict do nothing`,
    [WORKSPACE_ID, owner.user_id],
  );
  await admin.call(
    `insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, 'member') on conflict do nothing`,
    [WORKSPACE_ID, member.user_id],
  );
}

async function seedCanvas(db: Db, owner: DemoUser): Promise<string> {
  const ctx: UserCtx = {
    db,
    actor: { type: 'user', user_id: owner.user_id },
    // Nobody listens yet: hubs read what came before them from Postgres.
    bus: { publish: () => undefined },
    log: createLogger({ service: 'seed', level: 'silent' }),
    request_id: 'seed-demo-workspace',
    clock: () => new Date(),
  };
  const { items } = await listCanvases(ctx, { limit: 200 });
  const known = items.find((canvas) => canvas.workspace_id === WORKSPACE_ID);
  if (known) return known.id;
  const { result: canvas } = await createCanvas(ctx, { workspace_id: WORKSPACE_ID, title: CANVAS_TITLE });
  const markdown = createMarkdown(ctx.log);
  try {
    await importMarkdown({ ...ctx, markdown }, { canvas_id: canvas.id, markdown: CONTENT });
  } finally {
    await markdown.close();
  }
  return canvas.id;
}
