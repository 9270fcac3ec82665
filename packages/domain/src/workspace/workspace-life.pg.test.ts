import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedBlock, seedCanvas, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCanvas } from '../canvas/create-canvas.ts';
import { getCanvas } from '../canvas/get-canvas.ts';
import { listCanvases } from '../canvas/list-canvases.ts';
import { workspaceChannel } from '../platform/bus.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx, recordBus } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { createWorkspace } from './create-workspace.ts';
import { deleteWorkspace } from './delete-workspace.ts';
import { getWorkspace } from './get-workspace.ts';
import { listWorkspaceMembers } from './list-workspace-members.ts';
import { listWorkspaces } from './list-workspaces.ts';
import { purgeWorkspaces } from './purge-workspaces.ts';
import { restoreWorkspace } from './restore-workspace.ts';
import * as schemas from './schemas.ts';
import { updateWorkspace } from './update-workspace.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const failsWith = (code: string, rest: object = {}) => expect.objectContaining({ code, ...rest }) as Error;

async function somebody(): Promise<UserCtx> {
  return personCtx(database.db, (await seedUser(database.db)).user_id);
}

/** A workspace with one person of each role, and a stranger. */
async function company() {
  const owner = await somebody();
  const { result } = await createWorkspace(owner, { name: 'Company' });
  const home = { workspace_id: result.id, owner_user_id: owner.actor.user_id };
  const join = async (role: 'admin' | 'member' | 'guest') =>
    personCtx(database.db, (await addMember(database.db, home, role)).user_id);
  const [admin, member, guest] = [await join('admin'), await join('member'), await join('guest')];
  return { workspace_id: result.id, home, owner, admin, member, guest, stranger: await somebody() };
}

const auditOf = (workspace_id: string) =>
  database.asOwner<{ action: string; actor_user_id: string; before: unknown; after: unknown }>(
    'select action, actor_user_id, before, after from app.audit_logs where workspace_id = $1 order by created_at, id',
    [workspace_id],
  );

describe('a workspace', () => {
  it('is made by a person, who owns it, once per Idempotency-Key, and audited', async () => {
    const ctx = { ...(await somebody()), idempotency_key: newId() };
    const { result } = await createWorkspace(ctx, { name: 'Company', icon: '🏢' });
    expect(schemas.workspace.parse(result)).toMatchObject({
      name: 'Company',
      icon: '🏢',
      role: 'owner',
      owner_user_id: ctx.actor.user_id,
      is_personal: false,
      seat_limit: 1_000,
      deleted_at: null,
    });
    expect(await createWorkspace(ctx, { name: 'Company', icon: '🏢' })).toEqual({ result, replayed: true });
    await expect(createWorkspace(ctx, { name: 'Other' })).rejects.toThrow(failsWith('idempotency.key_reused'));
    expect(await auditOf(result.id)).toEqual([
      {
        action: 'workspace.create',
        actor_user_id: ctx.actor.user_id,
        before: null,
        after: { name: 'Company', icon: '🏢' },
      },
    ]);
  });

  it('is not made by an API key’s user, nor without a name that can be read', async () => {
    const { user_id } = await seedUser(database.db);
    await database.asOwner(`update app.users set kind = 'api_key' where id = $1`, [user_id]);
    const ctx = personCtx(database.db, user_id);
    await expect(createWorkspace(ctx, { name: 'Mine' })).rejects.toThrow(failsWith('workspace.forbidden'));
    for (const name of ['', ' ', ' x', 'x'.repeat(121)]) {
      await expect(createWorkspace(await somebody(), { name })).rejects.toThrow(failsWith('request.invalid'));
    }
  });

  it('is one of at most 200 that a person owns', async () => {
    const ctx = await somebody();
    await database.asOwner(
      `insert into app.workspaces (id, name, owner_user_id) select app.uuidv7(), 'x', $1 from generate_series(1, 200)`,
      [ctx.actor.user_id],
    );
    await expect(createWorkspace(ctx, { name: 'One more' })).rejects.toThrow(failsWith('workspace.too_many'));
  });

  it('is one of at most 200 also when many are made at once', async () => {
    const ctx = await somebody();
    await database.asOwner(
      `insert into app.workspaces (id, name, owner_user_id) select app.uuidv7(), 'x', $1 from generate_series(1, 198)`,
      [ctx.actor.user_id],
    );
    const made = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => createWorkspace(ctx, { name: `${n}` })));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  });

  it('is seen with their role by everybody in it, guests too, and by nobody else', async () => {
    const { workspace_id, stranger, ...people } = await company();
    for (const role of ['owner', 'admin', 'member', 'guest'] as const) {
      expect(await getWorkspace(people[role], { workspace_id })).toMatchObject({ id: workspace_id, role });
      const { items } = await listWorkspaces(people[role], {});
      expect(items.map(({ is_personal, role: of }) => [is_personal, of])).toEqual([
        [true, 'owner'],
        [false, role],
      ]);
    }
    const missing = await getWorkspace(stranger, { workspace_id: newId() }).catch((error: unknown) => error);
    await expect(getWorkspace(stranger, { workspace_id })).rejects.toEqual(missing);
    expect(missing).toMatchObject({ kind: 'not_found', code: 'workspace.not_found' });
    expect((await listWorkspaces(stranger, {})).items).toMatchObject([{ is_personal: true }]);
  });

  it('is listed page by page', async () => {
    const ctx = await somebody();
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) ids.push((await createWorkspace(ctx, { name })).result.id);
    const read: string[] = [];
    let cursor: string | undefined;
    do {
      const page = schemas.workspacePage.parse(
        await listWorkspaces(ctx, { limit: 1, ...(cursor === undefined ? {} : { cursor }) }),
      );
      read.push(...page.items.filter(({ is_personal }) => !is_personal).map(({ id }) => id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(read).toEqual(ids);
    await expect(listWorkspaces(ctx, { cursor: 'nonsense' })).rejects.toThrow(failsWith('request.invalid'));
  });

  it('is renamed by admins; what stays as it was is no change; a stale version changes nothing', async () => {
    const { workspace_id, owner, admin, member, guest, stranger } = await company();
    const renamed = await updateWorkspace(admin, { workspace_id, name: 'Firm', icon: '🏭', expected_version: 1 });
    expect(renamed).toMatchObject({ name: 'Firm', icon: '🏭', version: 2, role: 'admin' });
    expect(await updateWorkspace(owner, { workspace_id, name: 'Firm' })).toMatchObject({ version: 2, icon: '🏭' });
    await expect(updateWorkspace(owner, { workspace_id, name: 'Late', expected_version: 1 })).rejects.toThrow(
      failsWith('workspace.version_conflict', {
        kind: 'precondition',
        meta: { current: { ...renamed, role: 'owner' } },
      }),
    );
    for (const ctx of [member, guest]) {
      await expect(updateWorkspace(ctx, { workspace_id, name: 'x' })).rejects.toThrow(failsWith('workspace.forbidden'));
    }
    await expect(updateWorkspace(stranger, { workspace_id, name: 'x' })).rejects.toThrow(
      failsWith('workspace.not_found'),
    );
    await expect(updateWorkspace(owner, { workspace_id })).rejects.toThrow(failsWith('request.invalid'));
    expect((await auditOf(workspace_id)).slice(1)).toEqual([
      {
        action: 'workspace.update',
        actor_user_id: admin.actor.user_id,
        before: { name: 'Company', icon: null },
        after: { name: 'Firm', icon: '🏭' },
      },
    ]);
  });
});

describe('the deletion of a workspace', () => {
  it('asks its owner for the exact name', async () => {
    const { workspace_id, owner, admin, guest, stranger } = await company();
    for (const name of ['company', 'Compan', '']) {
      await expect(deleteWorkspace(owner, { workspace_id, name })).rejects.toThrow(
        failsWith('workspace.name_mismatch', { kind: 'conflict' }),
      );
    }
    await expect(deleteWorkspace(owner, { workspace_id, name: 'Company', expected_version: 9 })).rejects.toThrow(
      failsWith('workspace.version_conflict'),
    );
    for (const ctx of [admin, guest]) {
      await expect(deleteWorkspace(ctx, { workspace_id, name: 'Company' })).rejects.toThrow(
        failsWith('workspace.forbidden'),
      );
    }
    await expect(deleteWorkspace(stranger, { workspace_id, name: 'Company' })).rejects.toThrow(
      failsWith('workspace.not_found'),
    );
    expect(await getWorkspace(owner, { workspace_id })).toMatchObject({ deleted_at: null });
  });

  it('hides it from everybody but its owner, tells everybody, and can be undone within 30 days', async () => {
    const { workspace_id, owner, admin, member, guest } = await company();
    const { result: canvas } = await createCanvas(member, { workspace_id, title: 'Plan' });
    const bus = recordBus();
    const gone = await deleteWorkspace({ ...owner, bus }, { workspace_id, name: 'Company' });
    const days = (Date.parse(gone.purge_at ?? '') - Date.parse(gone.deleted_at ?? '')) / 86_400_000;
    expect(days).toBe(30);
    expect(bus.published).toContainEqual({
      channel: workspaceChannel(workspace_id),
      message: { kind: 'deleted', frame: '' },
    });
    for (const ctx of [admin, member, guest]) {
      await expect(getWorkspace(ctx, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
      await expect(restoreWorkspace(ctx, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
      expect((await listWorkspaces(ctx, { include_deleted: true })).items).toHaveLength(1);
    }
    for (const ctx of [owner, member]) {
      await expect(getCanvas(ctx, { canvas_id: canvas.id })).rejects.toThrow(failsWith('canvas.not_found'));
      expect((await listCanvases(ctx, {})).items).toEqual([]);
    }
    await expect(updateWorkspace(owner, { workspace_id, name: 'x' })).rejects.toThrow(failsWith('workspace.not_found'));
    await expect(listWorkspaceMembers(owner, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
    expect(await getWorkspace(owner, { workspace_id })).toEqual(gone);
    expect((await listWorkspaces(owner, {})).items).toHaveLength(1);
    expect((await listWorkspaces(owner, { include_deleted: true })).items).toContainEqual(gone);
    expect(await deleteWorkspace({ ...owner, bus }, { workspace_id, name: 'Company' })).toEqual(gone);
    expect(bus.published.filter(({ message }) => message.kind === 'deleted')).toHaveLength(1);

    expect(await restoreWorkspace(owner, { workspace_id })).toMatchObject({ deleted_at: null, purge_at: null });
    expect(await restoreWorkspace(owner, { workspace_id })).toMatchObject({ deleted_at: null });
    expect(await getCanvas(member, { canvas_id: canvas.id })).toMatchObject({ role: 'editor' });

    const told = await database.asOwner<{ user_id: string; type: string }>(
      `select user_id, payload ->> 'type' as type from app.outbox
       where workspace_id = $1 and payload ->> 'type' in ('workspace.deleted', 'workspace.restored') order by created_at`,
      [workspace_id],
    );
    const everybody = [owner, admin, member, guest].map(({ actor }) => actor.user_id).toSorted();
    for (const type of ['workspace.deleted', 'workspace.restored']) {
      expect(
        told
          .filter((row) => row.type === type)
          .map((row) => row.user_id)
          .toSorted(),
      ).toEqual(everybody);
    }
    expect((await auditOf(workspace_id)).map(({ action }) => action)).toEqual([
      'workspace.create',
      'canvas.create',
      'workspace.delete',
      'workspace.restore',
    ]);
  });

  it('does not touch a personal space', async () => {
    const ctx = await somebody();
    const [personal] = (await listWorkspaces(ctx, {})).items;
    const workspace_id = personal!.id;
    await expect(deleteWorkspace(ctx, { workspace_id, name: 'Personal' })).rejects.toThrow(
      failsWith('workspace.personal', { kind: 'conflict' }),
    );
    expect(await updateWorkspace(ctx, { workspace_id, name: 'Mine' })).toMatchObject({ name: 'Mine' });
  });
});

describe('the purge', () => {
  const jobCtx = () => ({ ...personCtx(database.job_db, newId()), request_id: 'purge' });
  const rowsOf = async (table: string, workspace_id: string): Promise<number> => {
    const column = table === 'workspaces' ? 'id' : 'workspace_id';
    const [row] = await database.asOwner<{ n: string }>(`select count(*) as n from app.${table} where ${column} = $1`, [
      workspace_id,
    ]);
    return Number(row?.n);
  };

  it('ends a workspace in small steps once its 30 days are over, and no other', async () => {
    const [old, recent, live] = [await company(), await company(), await company()];
    for (const { home } of [old, recent, live]) {
      for (let i = 0; i < 3; i++) {
        const canvas = await seedCanvas(database.db, home);
        const parent = await seedBlock(database.db, canvas);
        for (let j = 0; j < 4; j++) await seedBlock(database.db, canvas, { parent_id: parent.id });
      }
    }
    for (const { owner, workspace_id } of [old, recent])
      await deleteWorkspace(owner, { workspace_id, name: 'Company' });
    const age = (workspace_id: string, days: number) =>
      database.asOwner(`update app.workspaces set deleted_at = now() - $2 * interval '1 day' where id = $1`, [
        workspace_id,
        days,
      ]);
    await age(old.workspace_id, 30.001);
    await age(recent.workspace_id, 29.99);

    await expect(getWorkspace(old.owner, { workspace_id: old.workspace_id })).rejects.toThrow(
      failsWith('workspace.not_found'),
    );
    await expect(restoreWorkspace(old.owner, { workspace_id: old.workspace_id })).rejects.toThrow(
      failsWith('workspace.not_found'),
    );
    const both = await Promise.all([
      purgeWorkspaces(jobCtx(), { step_rows: 4 }),
      purgeWorkspaces(jobCtx(), { step_rows: 4 }),
    ]);
    // Two at once may pass each other by while one holds the workspace; between them it is gone once.
    expect(both[0] + both[1]).toBe(1);
    for (const table of ['workspaces', 'workspace_members', 'canvases', 'blocks', 'canvas_heads']) {
      expect(await rowsOf(table, old.workspace_id), table).toBe(0);
      expect(await rowsOf(table, recent.workspace_id), table).toBeGreaterThan(0);
      expect(await rowsOf(table, live.workspace_id), table).toBeGreaterThan(0);
    }
    expect((await auditOf(old.workspace_id)).at(-1)).toMatchObject({
      action: 'workspace.purge',
      actor_user_id: null,
      before: { name: 'Company' },
    });
    expect(await purgeWorkspaces(jobCtx())).toBe(0);
    expect(await restoreWorkspace(recent.owner, { workspace_id: recent.workspace_id })).toMatchObject({
      deleted_at: null,
    });
  });

  it('leaves what a run has no time for to the next', async () => {
    const home = await seedWorkspace(database.db);
    for (let i = 0; i < 5; i++) await seedCanvas(database.db, home);
    await database.asOwner(`update app.workspaces set deleted_at = now() - interval '31 days' where id = $1`, [
      home.workspace_id,
    ]);
    expect(await purgeWorkspaces(jobCtx(), { step_rows: 1, run_ms: 0 })).toBe(0);
    // What hangs on the canvases goes first: of each the document that search finds its title by.
    expect(await rowsOf('search_documents', home.workspace_id)).toBe(4);
    expect(await rowsOf('canvases', home.workspace_id)).toBe(5);
    expect(await purgeWorkspaces(jobCtx())).toBe(1);
  });
});
