import { createLogger } from '@potentia/config/logger';
import { encryptionVariables } from '@potentia/config/variables';
import { createDb, type Db } from '@potentia/db/client';
import { createEnsureUser } from '@potentia/domain/auth/ensure-user';
import { createMarkdown } from '@potentia/domain/canvas/adapters/markdown-processes';
import { createCanvas } from '@potentia/domain/canvas/create-canvas';
import { importMarkdown } from '@potentia/domain/canvas/import-markdown';
import { listCanvases } from '@potentia/domain/canvas/list-canvases';
import { createSealer, type Sealer } from '@potentia/domain/platform/seal';
import { inviteToWorkspace } from '@potentia/domain/workspace/create-invitation';
import { createWorkspace } from '@potentia/domain/workspace/create-workspace';
import type { InviteCtx } from '@potentia/domain/workspace/invite-ctx';
import { listMyInvitations } from '@potentia/domain/workspace/list-my-invitations';
import { listWorkspaces } from '@potentia/domain/workspace/list-workspaces';
import { respondToInvitation } from '@potentia/domain/workspace/respond-to-invitation';
import type { DemoUser } from './demo-users.ts';
import { seedCalendar } from './seed-calendar.ts';
import type { Connections } from './services.ts';

const WORKSPACE_NAME = 'Demo workspace';
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
 * Makes the demo workspace (the first user owns it, the second joins by an invitation), its calendar and its canvas, where
 * they are missing. Answers the canvas's id.
 */
export async function seedDemo(
  { database_urls, encryption_keys }: Pick<Connections, 'database_urls' | 'encryption_keys'>,
  users: DemoUser[],
): Promise<string> {
  const [first, second] = users;
  if (!first || !second) throw new Error('the demo workspace needs two users');
  const db = createDb({
    url: database_urls.app_user,
    pool_size: 1,
    timeout_ms: DEADLINE_MS,
    prepare: false,
    application_name: 'potentia-seed',
  });
  try {
    const ensureUser = createEnsureUser();
    await ensureUser(db, first);
    await ensureUser(db, second);
    const sealer = createSealer(encryptionVariables.ENCRYPTION_KEYS.parse(encryption_keys));
    const [owner, member] = [seedCtx(db, sealer, first), seedCtx(db, sealer, second)];
    const workspace_id = await seedWorkspace(owner);
    await seedMember(owner, member, workspace_id);
    await seedCalendar(owner, workspace_id, second);
    return await seedCanvas(owner, workspace_id);
  } finally {
    await db.end();
  }
}

function seedCtx(db: Db, sealer: Sealer, { user_id }: DemoUser): InviteCtx {
  return {
    db,
    sealer,
    actor: { type: 'user', user_id },
    // Nobody listens yet: hubs read what came before them from Postgres.
    bus: { publish: () => undefined },
    // A few invitations, once.
    limiter: {
      take: async (_key, { limit }) => ({
        allowed: true,
        limit,
        remaining: limit,
        reset_ms: 0,
        retry_after_ms: 0,
        source: 'local',
      }),
    },
    log: createLogger({ service: 'seed', level: 'silent' }),
    request_id: 'seed-demo-workspace',
    clock: () => new Date(),
  };
}

/** The first workspace that the owner made, whatever it is called by now. */
async function seedWorkspace(owner: InviteCtx): Promise<string> {
  const { items } = await listWorkspaces(owner, { limit: 200 });
  const known = items.find(({ is_personal, role }) => !is_personal && role === 'owner');
  return known?.id ?? (await createWorkspace(owner, { name: WORKSPACE_NAME })).result.id;
}

async function seedMember(owner: InviteCtx, member: InviteCtx, workspace_id: string): Promise<void> {
  const { user_id } = member.actor;
  const { items: joined } = await listWorkspaces(member, { limit: 200 });
  if (joined.some(({ id }) => id === workspace_id)) return;
  const { items: invitations } = await listMyInvitations(member, {});
  const pending = invitations.find(({ kind, workspace_id: to }) => kind === 'workspace' && to === workspace_id);
  const invitation_id =
    pending?.invitation_id ?? (await inviteToWorkspace(owner, { workspace_id, user_id, role: 'member' })).result.id;
  await respondToInvitation(member, { kind: 'workspace', invitation_id, response: 'accept' });
}

async function seedCanvas(owner: InviteCtx, workspace_id: string): Promise<string> {
  const { items } = await listCanvases(owner, { limit: 200 });
  const known = items.find((canvas) => canvas.workspace_id === workspace_id);
  if (known) return known.id;
  const { result: canvas } = await createCanvas(owner, { workspace_id, title: CANVAS_TITLE });
  const markdown = createMarkdown(owner.log);
  try {
    await importMarkdown({ ...owner, markdown }, { canvas_id: canvas.id, markdown: CONTENT });
  } finally {
    await markdown.close();
  }
  return canvas.id;
}
