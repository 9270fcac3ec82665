import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addCanvasAccess, addMember, seedCanvas, seedUser } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getCanvas } from '../canvas/get-canvas.ts';
import { listMembers } from '../canvas/list-members.ts';
import { setAccess } from '../canvas/set-access.ts';
import { workspaceChannel } from '../platform/bus.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx, recordBus } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { changeWorkspaceMember } from './change-workspace-member.ts';
import { createWorkspace } from './create-workspace.ts';
import { getWorkspace } from './get-workspace.ts';
import { leaveWorkspace } from './leave-workspace.ts';
import { listWorkspaceMembers } from './list-workspace-members.ts';
import { listWorkspaces } from './list-workspaces.ts';
import { removeWorkspaceMember } from './remove-workspace-member.ts';
import * as schemas from './schemas.ts';
import { transferWorkspace } from './transfer-workspace.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const failsWith = (code: string, rest: object = {}) => expect.objectContaining({ code, ...rest }) as Error;

async function somebody(name?: string): Promise<UserCtx> {
  return personCtx(database.db, (await seedUser(database.db, name === undefined ? {} : { name })).user_id);
}

/** A workspace with one person of each role and an API key's user, and a stranger. */
async function company() {
  const owner = await somebody();
  const { result } = await createWorkspace(owner, { name: 'Company' });
  const home = { workspace_id: result.id, owner_user_id: owner.actor.user_id };
  const join = async (role: 'admin' | 'member' | 'guest') =>
    personCtx(database.db, (await addMember(database.db, home, role)).user_id);
  const [admin, member, guest, key] = [
    await join('admin'),
    await join('member'),
    await join('guest'),
    await join('member'),
  ];
  await database.asOwner(`update app.users set kind = 'api_key' where id = $1`, [key.actor.user_id]);
  const canvas = await seedCanvas(database.db, home);
  return { workspace_id: result.id, home, canvas, owner, admin, member, guest, key, stranger: await somebody() };
}

const idOf = ({ actor }: UserCtx): string => actor.user_id;

const lastAudit = async (workspace_id: string) => {
  const rows = await database.asOwner<object>(
    `select action, actor_user_id, target_type, target_id, before, after from app.audit_logs
     where workspace_id = $1 order by created_at desc, id desc limit 1`,
    [workspace_id],
  );
  return rows[0];
};

const toldOf = async (workspace_id: string, type: string): Promise<string[]> => {
  const rows = await database.asOwner<{ user_id: string }>(
    `select user_id from app.outbox where workspace_id = $1 and payload ->> 'type' = $2`,
    [workspace_id, type],
  );
  return rows.map(({ user_id }) => user_id).toSorted();
};

describe('the list of members', () => {
  it('shows everybody with name and email to everybody in it, guests too, and no API key', async () => {
    const { workspace_id, owner, admin, member, guest, stranger } = await company();
    const page = schemas.workspaceMemberPage.parse(await listWorkspaceMembers(owner, { workspace_id }));
    expect(page.items.map(({ user_id, role }) => [user_id, role])).toEqual([
      [idOf(owner), 'owner'],
      [idOf(admin), 'admin'],
      [idOf(member), 'member'],
      [idOf(guest), 'guest'],
    ]);
    for (const { email } of page.items) expect(email).toContain('@');
    for (const ctx of [admin, member, guest]) expect(await listWorkspaceMembers(ctx, { workspace_id })).toEqual(page);
    await expect(listWorkspaceMembers(stranger, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
  });

  it('comes page by page, by role and name, whatever the names', async () => {
    const { workspace_id, home, owner } = await company();
    for (const name of ['Zoë', 'ada', 'ada', '', 'é'.repeat(300), '😀']) {
      await addMember(database.db, home, 'member', await seedUser(database.db, { name }));
    }
    const whole = await listWorkspaceMembers(owner, { workspace_id });
    const read: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await listWorkspaceMembers(owner, { workspace_id, limit: 1, ...(cursor ? { cursor } : {}) });
      read.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(read).toEqual(whole.items);
    expect(read).toHaveLength(10);
    await expect(listWorkspaceMembers(owner, { workspace_id, cursor: 'x' })).rejects.toThrow(
      failsWith('request.invalid'),
    );
  });
});

describe('the role of a member', () => {
  it('is changed by owner and admins, at once and audited, and told to the person and the admins', async () => {
    const { workspace_id, canvas, owner, admin, member } = await company();
    const bus = recordBus();
    const change = { workspace_id, user_id: idOf(member) };
    expect(await changeWorkspaceMember({ ...admin, bus }, { ...change, role: 'admin' })).toEqual({
      user_id: idOf(member),
      role: 'admin',
    });
    expect(await getCanvas(member, { canvas_id: canvas.canvas_id })).toMatchObject({ role: 'admin' });
    expect(bus.published).toContainEqual({
      channel: workspaceChannel(workspace_id),
      message: { kind: 'access', user_id: idOf(member), frame: '' },
    });
    expect(await lastAudit(workspace_id)).toEqual({
      action: 'member.update',
      actor_user_id: idOf(admin),
      target_type: 'user',
      target_id: idOf(member),
      before: { role: 'member' },
      after: { role: 'admin' },
    });
    expect(await toldOf(workspace_id, 'workspace.role_changed')).toEqual([owner, admin, member].map(idOf).toSorted());

    bus.published.length = 0;
    await changeWorkspaceMember({ ...owner, bus }, { ...change, role: 'admin' });
    expect(bus.published).toEqual([]);
    expect(await toldOf(workspace_id, 'workspace.role_changed')).toHaveLength(3);
    await changeWorkspaceMember(owner, { ...change, role: 'guest' });
    await expect(getCanvas(member, { canvas_id: canvas.canvas_id })).rejects.toThrow(failsWith('canvas.not_found'));
  });

  it('is not changed by members, guests, keys of that role or strangers', async () => {
    const { workspace_id, admin, member, guest, key, stranger } = await company();
    for (const ctx of [member, guest, key]) {
      await expect(changeWorkspaceMember(ctx, { workspace_id, user_id: idOf(admin), role: 'guest' })).rejects.toThrow(
        failsWith('workspace.forbidden'),
      );
      await expect(removeWorkspaceMember(ctx, { workspace_id, user_id: idOf(admin) })).rejects.toThrow(
        failsWith('workspace.forbidden'),
      );
    }
    await expect(
      changeWorkspaceMember(stranger, { workspace_id, user_id: idOf(admin), role: 'guest' }),
    ).rejects.toThrow(failsWith('workspace.not_found'));
    await expect(removeWorkspaceMember(stranger, { workspace_id, user_id: idOf(admin) })).rejects.toThrow(
      failsWith('workspace.not_found'),
    );
  });

  it('is never owner, and never that of the owner, of an API key or of somebody who is no member', async () => {
    const { workspace_id, owner, admin, key, stranger } = await company();
    await expect(
      changeWorkspaceMember(admin, { workspace_id, user_id: idOf(admin), role: 'owner' as never }),
    ).rejects.toThrow(failsWith('request.invalid'));
    for (const ctx of [owner, admin]) {
      const fixed = failsWith('workspace.owner_fixed', { kind: 'conflict' });
      await expect(changeWorkspaceMember(ctx, { workspace_id, user_id: idOf(owner), role: 'admin' })).rejects.toThrow(
        fixed,
      );
      await expect(removeWorkspaceMember(ctx, { workspace_id, user_id: idOf(owner) })).rejects.toThrow(fixed);
      for (const target of [key, stranger]) {
        await expect(
          changeWorkspaceMember(ctx, { workspace_id, user_id: idOf(target), role: 'guest' }),
        ).rejects.toThrow(failsWith('workspace.member_not_found'));
        await expect(removeWorkspaceMember(ctx, { workspace_id, user_id: idOf(target) })).rejects.toThrow(
          failsWith('workspace.member_not_found'),
        );
      }
    }
  });
});

describe('a membership ends', () => {
  it('by removal: with the canvases that the person was invited to, on every door, audited and told', async () => {
    const { workspace_id, canvas, owner, admin, guest } = await company();
    await addCanvasAccess(database.db, canvas, 'editor', { user_id: idOf(guest) });
    expect(await getCanvas(guest, { canvas_id: canvas.canvas_id })).toMatchObject({ role: 'editor' });
    await removeWorkspaceMember(admin, { workspace_id, user_id: idOf(guest) });
    await expect(getCanvas(guest, { canvas_id: canvas.canvas_id })).rejects.toThrow(failsWith('canvas.not_found'));
    await expect(getWorkspace(guest, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
    expect((await listWorkspaces(guest, {})).items).toHaveLength(1);
    expect(await lastAudit(workspace_id)).toMatchObject({
      action: 'member.remove',
      actor_user_id: idOf(admin),
      target_id: idOf(guest),
      before: { role: 'guest', canvas_invitations: 1 },
      after: null,
    });
    expect(await toldOf(workspace_id, 'workspace.member_removed')).toEqual([owner, admin, guest].map(idOf).toSorted());
    await expect(removeWorkspaceMember(admin, { workspace_id, user_id: idOf(guest) })).rejects.toThrow(
      failsWith('workspace.member_not_found'),
    );
  });

  it('by leaving, for every role but the owner’s', async () => {
    const { workspace_id, canvas, owner, admin, member, guest, stranger } = await company();
    await addCanvasAccess(database.db, canvas, 'viewer', { user_id: idOf(guest) });
    for (const ctx of [guest, member, admin]) {
      await leaveWorkspace(ctx, { workspace_id });
      await expect(getCanvas(ctx, { canvas_id: canvas.canvas_id })).rejects.toThrow(failsWith('canvas.not_found'));
      await expect(leaveWorkspace(ctx, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
      expect(await lastAudit(workspace_id)).toMatchObject({ action: 'workspace.leave', actor_user_id: idOf(ctx) });
    }
    await expect(leaveWorkspace(owner, { workspace_id })).rejects.toThrow(
      failsWith('workspace.owner_fixed', { kind: 'conflict' }),
    );
    await expect(leaveWorkspace(stranger, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
    expect((await listWorkspaceMembers(owner, { workspace_id })).items).toHaveLength(1);
  });

  it('takes along the keys and webhooks that an admin made and the invitations that they sent, as their demotion does', async () => {
    const endings = {
      removal: ({ owner, admin, workspace_id }: Awaited<ReturnType<typeof company>>) =>
        removeWorkspaceMember(owner, { workspace_id, user_id: idOf(admin) }),
      leaving: ({ admin, workspace_id }: Awaited<ReturnType<typeof company>>) =>
        leaveWorkspace(admin, { workspace_id }),
      demotion: ({ owner, admin, workspace_id }: Awaited<ReturnType<typeof company>>) =>
        changeWorkspaceMember(owner, { workspace_id, user_id: idOf(admin), role: 'member' }),
    };
    for (const [name, end] of Object.entries(endings)) {
      const world = await company();
      const { workspace_id, admin, owner, key } = world;
      const invite = (ctx: UserCtx) =>
        database.asOwner(
          `insert into app.invitations (id, workspace_id, type, email, role, token_hash, expires_at, invited_by)
           values ($1::uuid, $2, 'EMAIL', $3, 'member', encode(sha256($1::uuid::text::bytea), 'hex'), now() + interval '1 day', $4)`,
          [newId(), workspace_id, `${newId()}@example.test`, idOf(ctx)],
        );
      await invite(admin);
      await invite(owner);
      await database.asOwner(
        `insert into app.api_keys (id, workspace_id, name, scopes, prefix, last_four, key_hash, created_by)
         values ($1::uuid, $2, 'key', '{canvas:read}', 'pot_1234', 'abcd', sha256($1::uuid::text::bytea), $3)`,
        [idOf(key), workspace_id, idOf(admin)],
      );
      const [of_admin, of_key, of_owner] = [newId(), newId(), newId()];
      const makers = { [of_admin]: idOf(admin), [of_key]: idOf(key), [of_owner]: idOf(owner) };
      for (const [webhook_id, maker] of Object.entries(makers)) {
        await database.asOwner(
          `insert into app.webhooks (id, workspace_id, url, description, event_types, secret, created_by)
           values ($1, $2, 'https://example.com', '', '{none.such}', 'sealed', $3)`,
          [webhook_id, workspace_id, maker],
        );
      }
      await end(world);
      const webhooks = await database.asOwner<{ id: string; disabled_reason: string | null }>(
        'select id, disabled_reason from app.webhooks where workspace_id = $1',
        [workspace_id],
      );
      expect(Object.fromEntries(webhooks.map(({ id, disabled_reason }) => [id, disabled_reason])), name).toEqual({
        [of_admin]: 'creator_left',
        [of_key]: 'creator_left',
        [of_owner]: null,
      });
      const pending = await database.asOwner(
        `select invited_by from app.invitations where workspace_id = $1 and status = 'pending'`,
        [workspace_id],
      );
      expect(pending, name).toEqual([{ invited_by: idOf(owner) }]);
      const [ended] = await database.asOwner<{ revoked: boolean }>(
        'select revoked_at is not null as revoked from app.api_keys where id = $1',
        [idOf(key)],
      );
      expect(ended, name).toEqual({ revoked: true });
      await expect(getWorkspace(key, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
    }
  });
});

describe('the ownership', () => {
  it('goes to a member; the former owner stays as an admin', async () => {
    const { workspace_id, canvas, owner, admin, member } = await company();
    const bus = recordBus();
    expect(await transferWorkspace({ ...owner, bus }, { workspace_id, user_id: idOf(member) })).toMatchObject({
      owner_user_id: idOf(member),
      role: 'admin',
      version: 2,
    });
    expect(bus.published.map(({ message }) => message.user_id).slice(0, 2)).toEqual([idOf(owner), idOf(member)]);
    expect(await getWorkspace(member, { workspace_id })).toMatchObject({ role: 'owner' });
    expect(await getCanvas(member, { canvas_id: canvas.canvas_id })).toMatchObject({ role: 'owner' });
    expect(await getCanvas(owner, { canvas_id: canvas.canvas_id })).toMatchObject({ role: 'admin' });
    expect(await lastAudit(workspace_id)).toMatchObject({
      action: 'workspace.transfer',
      before: { owner_user_id: idOf(owner) },
      after: { owner_user_id: idOf(member) },
    });
    expect(await toldOf(workspace_id, 'workspace.transferred')).toEqual([owner, admin, member].map(idOf).toSorted());
    await expect(transferWorkspace(owner, { workspace_id, user_id: idOf(admin) })).rejects.toThrow(
      failsWith('workspace.forbidden'),
    );
    expect(await transferWorkspace(member, { workspace_id, user_id: idOf(member) })).toMatchObject({
      role: 'owner',
      version: 2,
    });
    await leaveWorkspace(owner, { workspace_id });
  });

  it('goes to nobody else: no stranger, no API key; and is given by the owner alone', async () => {
    const { workspace_id, owner, admin, guest, key, stranger } = await company();
    for (const target of [stranger, key]) {
      await expect(transferWorkspace(owner, { workspace_id, user_id: idOf(target) })).rejects.toThrow(
        failsWith('workspace.member_not_found', { kind: 'not_found' }),
      );
    }
    for (const ctx of [admin, guest, key]) {
      await expect(transferWorkspace(ctx, { workspace_id, user_id: idOf(admin) })).rejects.toThrow(
        failsWith('workspace.forbidden'),
      );
    }
    await expect(transferWorkspace(stranger, { workspace_id, user_id: idOf(admin) })).rejects.toThrow(
      failsWith('workspace.not_found'),
    );
  });

  it('of two transfers at once one is made', async () => {
    const { workspace_id, owner, admin, member } = await company();
    const outcome = await Promise.allSettled(
      [admin, member].map((target) => transferWorkspace(owner, { workspace_id, user_id: idOf(target) })),
    );
    expect(outcome.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = outcome.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(refused.reason).toMatchObject({ code: 'workspace.forbidden' });
    const { items } = await listWorkspaceMembers(owner, { workspace_id });
    expect(items.filter(({ role }) => role === 'owner')).toHaveLength(1);
    expect(items).toHaveLength(4);
  });
});

describe('a personal space', () => {
  it('is neither handed over nor left', async () => {
    const ctx = await somebody();
    const other = await somebody();
    const workspace_id = (await listWorkspaces(ctx, {})).items[0]!.id;
    const personal = failsWith('workspace.personal', { kind: 'conflict' });
    await expect(leaveWorkspace(ctx, { workspace_id })).rejects.toThrow(personal);
    await expect(transferWorkspace(ctx, { workspace_id, user_id: idOf(other) })).rejects.toThrow(personal);
    expect((await listWorkspaceMembers(ctx, { workspace_id })).items).toMatchObject([{ role: 'owner' }]);
    await expect(leaveWorkspace(other, { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
  });
});

describe('an API key’s user on a canvas', () => {
  it('works by its membership, but is in no list and is invited to nothing', async () => {
    const { canvas, owner, admin, member, key, workspace_id } = await company();
    const { canvas_id } = canvas;
    expect(await getCanvas(key, { canvas_id })).toMatchObject({ role: 'editor' });
    expect(await getWorkspace(key, { workspace_id })).toMatchObject({ role: 'member' });
    expect(await listMembers(owner, { canvas_id })).toMatchObject([
      { user_id: idOf(owner), role: 'owner', source: 'owner' },
      { user_id: idOf(admin), role: 'admin', source: 'workspace' },
      { user_id: idOf(member), role: 'editor', source: 'workspace' },
    ]);
    await expect(setAccess(owner, { canvas_id, user_id: idOf(key), role: 'viewer' })).rejects.toThrow(
      failsWith('user.not_found'),
    );
  });
});
