import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import {
  addCanvasAccess,
  addMember,
  seedCanvas,
  seedUser,
  seedWorkspace,
  type SeededWorkspace,
} from '@potentia/db/testing/seed';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setAccess } from '../canvas/set-access.ts';
import type { Limiter } from '../platform/limiter.ts';
import { newId } from '../platform/uuid.ts';
import { changeWorkspaceMember } from './change-workspace-member.ts';
import { inviteToCanvas, inviteToWorkspace } from './create-invitation.ts';
import { deleteWorkspace } from './delete-workspace.ts';
import { expireInvitations } from './expire-invitations.ts';
import type { Invitation } from './invitation-schemas.ts';
import { listInvitations } from './list-invitations.ts';
import { listMyInvitations } from './list-my-invitations.ts';
import { previewInvitation } from './preview-invitation.ts';
import { removeWorkspaceMember } from './remove-workspace-member.ts';
import { resendInvitation } from './resend-invitation.ts';
import { respondToInvitation } from './respond-to-invitation.ts';
import { revokeInvitation } from './revoke-invitation.ts';
import { inviteCtx, tokenOf } from './testing/invite-kit.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

interface Someone {
  user_id: string;
  email: string;
}
const someone = (): Promise<Someone> => seedUser(t.db);
const ctxOf = (who: { user_id: string }, overrides = {}) => inviteCtx(t, who, overrides);
const ownerOf = (home: SeededWorkspace) => ({ user_id: home.owner_user_id });

/** An invitation of an address to a workspace, by its owner unless told. */
async function invite(
  home: SeededWorkspace,
  email: string,
  { role = 'member', by = ownerOf(home) }: { role?: 'admin' | 'member' | 'guest'; by?: { user_id: string } } = {},
): Promise<Invitation> {
  const { workspace_id } = home;
  return (await inviteToWorkspace(ctxOf(by), { workspace_id, email, role })).result;
}

async function respond(who: Someone, named: { token: string } | { invitation_id: string }, response = 'accept') {
  const input = { kind: 'workspace', ...named, response } as Parameters<typeof respondToInvitation>[1];
  return (await respondToInvitation(ctxOf(who), input)).result;
}
const accept = async (who: Someone, invitation: Invitation) => respond(who, { token: await tokenOf(t, invitation) });

const rolesIn = async ({ workspace_id }: SeededWorkspace) =>
  Object.fromEntries(
    (
      await t.asOwner<{ user_id: string; role: string }>(
        'select user_id, role from app.workspace_members where workspace_id = $1',
        [workspace_id],
      )
    ).map(({ user_id, role }) => [user_id, role]),
  );
const actionsIn = async ({ workspace_id }: { workspace_id: string }) =>
  (
    await t.asOwner<{ action: string }>('select action from app.audit_logs where workspace_id = $1 order by id', [
      workspace_id,
    ])
  ).map(({ action }) => action);
const eventsOf = async (user_id: string) =>
  (
    await t.asOwner<{ type: string }>(
      `select payload ->> 'type' as type from app.outbox where topic = 'me.deliver' and user_id = $1 order by id`,
      [user_id],
    )
  ).map(({ type }) => type);
const lapse = (id: string) =>
  t.asOwner(`update app.invitations set expires_at = now() - interval '1 s' where id = $1`, [id]);

describe('an invitation by mail', () => {
  test('makes a member of whoever signs in with that address, in whatever case, once, and tells the inviter', async () => {
    const home = await seedWorkspace(t.db);
    const ada = await seedUser(t.db, { email: `Ada.${newId()}@Example.com` });
    const invitation = await invite(home, ada.email.toUpperCase());
    expect(invitation).toMatchObject({
      type: 'EMAIL',
      email: ada.email.toLowerCase(),
      user_id: null,
      status: 'pending',
    });
    expect(await eventsOf(ada.user_id)).toEqual(['invitation.created']);
    const token = await tokenOf(t, invitation);
    expect(await respond(ada, { token })).toEqual({
      invitation_id: invitation.id,
      status: 'accepted',
      role: 'member',
      workspace: { id: home.workspace_id, name: 'Seeded workspace', icon: null },
    });
    expect(await rolesIn(home)).toEqual({ [ada.user_id]: 'member' });
    // Two of them are of one transaction, and may be of one millisecond: then their ids have no order.
    expect((await actionsIn(home)).toSorted()).toEqual(['invitation.accept', 'invitation.create', 'member.add']);
    expect((await eventsOf(home.owner_user_id)).toSorted()).toEqual(['invitation.accepted', 'workspace.member_added']);
    for (const response of ['accept', 'reject']) {
      await expect(respond(ada, { token }, response)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    }
  });

  test('is of no use to another address, and an unknown token of none to anybody', async () => {
    const home = await seedWorkspace(t.db);
    const [ada, eve] = [await someone(), await someone()];
    const token = await tokenOf(t, await invite(home, ada.email));
    await expect(respond(eve, { token })).rejects.toMatchObject({
      kind: 'forbidden',
      code: 'invitation.wrong_address',
    });
    await expect(respond(eve, { token }, 'reject')).rejects.toMatchObject({ code: 'invitation.wrong_address' });
    await expect(respond(ada, { token: token.slice(1) })).rejects.toMatchObject({ code: 'invitation.not_found' });
    const as_canvas = { kind: 'canvas', token, response: 'accept' } as const;
    await expect(respondToInvitation(ctxOf(ada), as_canvas)).rejects.toMatchObject({ code: 'invitation.not_found' });
    expect(await rolesIn(home)).toEqual({});
    await respond(ada, { token });
  });

  test('that is rejected stays so, and the person can be invited again', async () => {
    const home = await seedWorkspace(t.db);
    const ada = await someone();
    const invitation = await invite(home, ada.email);
    expect(await respond(ada, { token: await tokenOf(t, invitation) }, 'reject')).toEqual({
      invitation_id: invitation.id,
      status: 'rejected',
      role: null,
      workspace: null,
    });
    expect(await eventsOf(home.owner_user_id)).toEqual(['invitation.rejected']);
    await expect(accept(ada, invitation)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    await accept(ada, await invite(home, ada.email));
    expect(await rolesIn(home)).toEqual({ [ada.user_id]: 'member' });
  });

  test('keeps only the hash of its token in its table, and the sealed token in the outbox', async () => {
    const home = await seedWorkspace(t.db);
    const ada = await someone();
    const invitation = await invite(home, ada.email);
    const token = await tokenOf(t, invitation);
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const rows = await t.asOwner(
      `select to_jsonb(i)::text as text from app.invitations i where id = $1
       union all select to_jsonb(o)::text from app.outbox o where workspace_id = $2
       union all select to_jsonb(a)::text from app.audit_logs a where workspace_id = $2`,
      [invitation.id, home.workspace_id],
    );
    expect(rows.length).toBeGreaterThan(3);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('is one however often the same request comes, by its idempotency key', async () => {
    const home = await seedWorkspace(t.db);
    const idempotency_key = newId();
    const ask = (role: 'member' | 'guest') =>
      inviteToWorkspace(ctxOf(ownerOf(home), { idempotency_key }), {
        workspace_id: home.workspace_id,
        email: 'ada@example.com',
        role,
      });
    const [first, second] = [await ask('member'), await ask('member')];
    expect(second).toEqual({ result: first.result, replayed: true });
    await expect(ask('guest')).rejects.toMatchObject({ code: 'idempotency.key_reused' });
  });
});

describe('an invitation by id', () => {
  test('is found and answered by that person alone, without mail', async () => {
    const home = await seedWorkspace(t.db);
    const [ada, eve] = [await someone(), await someone()];
    const { result } = await inviteToWorkspace(ctxOf(ownerOf(home)), {
      ...home_id(home),
      user_id: ada.user_id,
      role: 'admin',
    });
    expect(result).toMatchObject({ type: 'USER_ID', user_id: ada.user_id, email: null });
    expect(await listMyInvitations(ctxOf(eve), {})).toEqual({ items: [], next_cursor: null });
    const { items } = await listMyInvitations(ctxOf(ada), {});
    expect(items).toMatchObject([
      {
        invitation_id: result.id,
        kind: 'workspace',
        workspace_name: 'Seeded workspace',
        role: 'admin',
        canvas_id: null,
      },
    ]);
    const named = { invitation_id: result.id };
    await expect(respond(eve, named)).rejects.toMatchObject({ code: 'invitation.not_found' });
    await expect(respond(eve, { token: await tokenOf(t, result) })).rejects.toMatchObject({
      code: 'invitation.wrong_address',
    });
    await respond(ada, named);
    expect(await rolesIn(home)).toEqual({ [ada.user_id]: 'admin' });
    expect((await listMyInvitations(ctxOf(ada), {})).items).toEqual([]);
  });

  test('of nobody, or of a program, answers that there is no such user', async () => {
    const home = await seedWorkspace(t.db);
    const program = await someone();
    await t.asOwner(`update app.users set kind = 'api_key' where id = $1`, [program.user_id]);
    for (const user_id of [newId(), program.user_id]) {
      const asked = inviteToWorkspace(ctxOf(ownerOf(home)), { ...home_id(home), user_id, role: 'member' });
      await expect(asked).rejects.toMatchObject({ kind: 'not_found', code: 'user.not_found' });
    }
  });

  test('of whom the address was invited already, or the other way round, is a duplicate', async () => {
    const home = await seedWorkspace(t.db);
    const [ada, bob] = [await someone(), await someone()];
    await invite(home, ada.email);
    const byId = (user_id: string) =>
      inviteToWorkspace(ctxOf(ownerOf(home)), { ...home_id(home), user_id, role: 'guest' });
    await expect(byId(ada.user_id)).rejects.toMatchObject({ kind: 'conflict', code: 'invitation.already_pending' });
    await byId(bob.user_id);
    for (const again of [() => invite(home, bob.email), () => byId(bob.user_id), () => invite(home, ada.email)]) {
      await expect(again()).rejects.toMatchObject({ code: 'invitation.already_pending' });
    }
  });
});

const home_id = ({ workspace_id }: SeededWorkspace) => ({ workspace_id });

describe('who may invite', () => {
  test('admins and the owner; members, guests and strangers not, and strangers see nothing', async () => {
    const home = await seedWorkspace(t.db);
    const roles = ['admin', 'member', 'guest'] as const;
    const [admin, member, guest] = await Promise.all(roles.map((role) => addMember(t.db, home, role)));
    const stranger = await someone();
    await invite(home, 'one@example.com', { role: 'admin', by: admin! });
    for (const by of [member!, guest!]) {
      await expect(invite(home, 'two@example.com', { by })).rejects.toMatchObject({ code: 'workspace.forbidden' });
      await expect(listInvitations(ctxOf(by), home_id(home))).rejects.toMatchObject({ code: 'workspace.forbidden' });
    }
    const foreign = await invite(home, 'two@example.com', { by: stranger }).catch((error: unknown) => error);
    const none = await invite({ ...home, workspace_id: newId() }, 'two@example.com', { by: stranger }).catch(
      (error: unknown) => error,
    );
    expect(foreign).toMatchObject({ kind: 'not_found', code: 'workspace.not_found' });
    expect(JSON.stringify(foreign)).toBe(JSON.stringify(none));
  });

  test('nobody into a personal workspace, nobody twice, and nobody who is there', async () => {
    const owner = await seedUser(t.db);
    const personal = { workspace_id: owner.personal_workspace_id, owner_user_id: owner.user_id };
    await expect(invite(personal, 'a@example.com')).rejects.toMatchObject({ code: 'workspace.personal' });
    const home = await seedWorkspace(t.db);
    const [ada, boss] = [
      await someone(),
      await t.asOwner<Someone>('select id as user_id, email from app.users where id = $1', [home.owner_user_id]),
    ];
    await addMember(t.db, home, 'guest', ada);
    for (const email of [ada.email, boss[0]!.email]) {
      await expect(invite(home, email)).rejects.toMatchObject({ kind: 'conflict', code: 'invitation.already_member' });
    }
  });

  test('an inviter who is demoted or removed takes along what was not yet answered', async () => {
    const home = await seedWorkspace(t.db);
    const [admin, other] = [await addMember(t.db, home, 'admin'), await addMember(t.db, home, 'admin')];
    const [ada, bob] = [await someone(), await someone()];
    const [to_ada, to_bob] = [
      await invite(home, ada.email, { by: admin }),
      await invite(home, bob.email, { by: other }),
    ];
    await changeWorkspaceMember(ctxOf(ownerOf(home)), { ...home_id(home), user_id: admin.user_id, role: 'member' });
    await removeWorkspaceMember(ctxOf(ownerOf(home)), { ...home_id(home), user_id: other.user_id });
    await expect(accept(ada, to_ada)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    await expect(accept(bob, to_bob)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    const { items } = await listInvitations(ctxOf(ownerOf(home)), home_id(home));
    expect(items.map(({ status }) => status)).toEqual(['revoked', 'revoked']);
  });

  test('what an inviter may no longer give is not given, though nothing revoked it', async () => {
    const home = await seedWorkspace(t.db);
    const admin = await addMember(t.db, home, 'admin');
    const ada = await someone();
    const invitation = await invite(home, ada.email, { by: admin });
    await t.asOwner('delete from app.workspace_members where user_id = $1', [admin.user_id]);
    await expect(accept(ada, invitation)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    await resendInvitation(ctxOf(ownerOf(home)), { ...home_id(home), invitation_id: invitation.id });
    await accept(ada, invitation);
  });

  test('only to the domains of the allow-list, compared exactly after the last @', async () => {
    const home = await seedWorkspace(t.db);
    await t.asOwner(
      `insert into app.workspace_settings (workspace_id, invite_domains) values ($1, $2)
       on conflict (workspace_id) do update set invite_domains = excluded.invite_domains`,
      [home.workspace_id, ['example.com', 'xn--mnchen-3ya.example']],
    );
    for (const email of ['a@sub.example.com', 'a@example.com.evil.test', 'a@notexample.com', 'example.com@evil.test']) {
      await expect(invite(home, email), email).rejects.toMatchObject({ code: 'invitation.domain_refused' });
    }
    const ada = await someone();
    const by_id = inviteToWorkspace(ctxOf(ownerOf(home)), { ...home_id(home), user_id: ada.user_id, role: 'member' });
    await expect(by_id).rejects.toMatchObject({ code: 'invitation.domain_refused' });
    // At once and by id to a canvas is no way around; who is in the workspace is no stranger.
    const { canvas_id } = await seedCanvas(t.db, home);
    const give = (who: { user_id: string }) =>
      setAccess(ctxOf(ownerOf(home)), { canvas_id, user_id: who.user_id, role: 'viewer' });
    await expect(give(ada)).rejects.toMatchObject({ code: 'invitation.domain_refused' });
    await give(await addMember(t.db, home, 'guest'));
    await invite(home, 'Ada@EXAMPLE.com');
    expect(await invite(home, 'ada@München.example')).toMatchObject({ email: 'ada@xn--mnchen-3ya.example' });
  });

  test('a limit on inviter, workspace and address ends in a wait, writes nothing, and its key tells no address', async () => {
    const home = await seedWorkspace(t.db);
    for (const refused of ['inviter', 'workspace', 'address']) {
      const keys: string[] = [];
      const limiter: Limiter = {
        take(key, { limit }) {
          keys.push(key);
          const allowed = !key.startsWith(`invite:${refused}:`);
          const retry_after_ms = allowed ? 0 : 1_234;
          return Promise.resolve({ allowed, limit, remaining: 0, reset_ms: 0, retry_after_ms, source: 'redis' });
        },
      };
      const asked = inviteToWorkspace(ctxOf(ownerOf(home), { limiter }), {
        ...home_id(home),
        email: 'victim@example.com',
        role: 'member',
      });
      await expect(asked).rejects.toMatchObject({
        kind: 'limit',
        code: 'invitation.too_many',
        meta: { retry_after_ms: 1_234, limit: refused },
      });
      expect(keys.join()).not.toContain('victim');
    }
    expect((await listInvitations(ctxOf(ownerOf(home)), home_id(home))).items).toEqual([]);
    expect(await actionsIn(home)).toEqual([]);
  });
});

test('addresses of one mailbox, with or without a tag behind a plus, share their limit', async () => {
  const home = await seedWorkspace(t.db);
  const keys = new Set<string>();
  const limiter: Limiter = {
    take(key, { limit }) {
      if (key.startsWith('invite:address:')) keys.add(key);
      return Promise.resolve({ allowed: true, limit, remaining: 1, reset_ms: 0, retry_after_ms: 0, source: 'redis' });
    },
  };
  for (const email of ['victim@example.com', 'victim+1@example.com', 'victim+a+b@example.com']) {
    await inviteToWorkspace(ctxOf(ownerOf(home), { limiter }), { ...home_id(home), email, role: 'member' });
  }
  expect(keys.size).toBe(1);
  await inviteToWorkspace(ctxOf(ownerOf(home), { limiter }), {
    ...home_id(home),
    email: 'other@example.com',
    role: 'member',
  });
  expect(keys.size).toBe(2);
});

test('a program cannot take an invitation, whatever token it holds', async () => {
  const home = await seedWorkspace(t.db);
  const ada = await someone();
  const { result } = await inviteToWorkspace(ctxOf(ownerOf(home)), {
    ...home_id(home),
    user_id: ada.user_id,
    role: 'member',
  });
  const token = await tokenOf(t, result);
  const program = await addMember(t.db, await seedWorkspace(t.db), 'member');
  await t.asOwner(`update app.users set kind = 'api_key', email = null where id = $1`, [program.user_id]);
  await expect(respond({ ...program, email: '' }, { token })).rejects.toMatchObject({ code: 'invitation.not_found' });
  expect(await rolesIn(home)).toEqual({});
});

describe('resending and revoking', () => {
  test('a new token ends the old one, and revives what ran out', async () => {
    const home = await seedWorkspace(t.db);
    const ada = await someone();
    const invitation = await invite(home, ada.email);
    const old_token = await tokenOf(t, invitation);
    await lapse(invitation.id);
    await expect(respond(ada, { token: old_token })).rejects.toMatchObject({ code: 'invitation.expired' });
    const ref = { ...home_id(home), invitation_id: invitation.id };
    const { result } = await resendInvitation(ctxOf(ownerOf(home)), ref);
    expect(result).toMatchObject({ status: 'pending', sent_count: 2 });
    await expect(respond(ada, { token: old_token })).rejects.toMatchObject({ code: 'invitation.not_found' });
    await accept(ada, invitation);
    await expect(resendInvitation(ctxOf(ownerOf(home)), ref)).rejects.toMatchObject({ code: 'invitation.not_pending' });
  });

  test('what is revoked cannot be taken, rejected or revived; twice is once', async () => {
    const home = await seedWorkspace(t.db);
    const ada = await someone();
    const invitation = await invite(home, ada.email);
    const ref = { ...home_id(home), invitation_id: invitation.id };
    await revokeInvitation(ctxOf(ownerOf(home)), ref);
    await revokeInvitation(ctxOf(ownerOf(home)), ref);
    await expect(accept(ada, invitation)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    await expect(resendInvitation(ctxOf(ownerOf(home)), ref)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    expect((await actionsIn(home)).filter((action) => action === 'invitation.revoke')).toHaveLength(1);
  });

  test('an invitation of another workspace is none, whoever asks', async () => {
    const [home, other] = [await seedWorkspace(t.db), await seedWorkspace(t.db)];
    const { id: invitation_id } = await invite(other, 'ada@example.com');
    const ref = { ...home_id(home), invitation_id };
    await expect(revokeInvitation(ctxOf(ownerOf(home)), ref)).rejects.toMatchObject({ code: 'invitation.not_found' });
    await expect(resendInvitation(ctxOf(ownerOf(home)), ref)).rejects.toMatchObject({ code: 'invitation.not_found' });
    const foreign = { ...home_id(other), invitation_id };
    for (const act of [revokeInvitation, resendInvitation]) {
      await expect(act(ctxOf(ownerOf(home)), foreign)).rejects.toMatchObject({ code: 'workspace.not_found' });
    }
  });

  test('the job marks what ran out; the list said so before; the place is free again', async () => {
    const home = await seedWorkspace(t.db);
    const { id } = await invite(home, 'ada@example.com');
    await lapse(id);
    const list = async () =>
      (await listInvitations(ctxOf(ownerOf(home)), { ...home_id(home), status: 'expired' })).items;
    expect(await list()).toHaveLength(1);
    expect((await expireInvitations({ db: t.job_db })).expired).toBeGreaterThan(0);
    expect(await list()).toHaveLength(1);
    const again = await invite(home, 'ada@example.com');
    const ref = { ...home_id(home), invitation_id: id };
    await expect(resendInvitation(ctxOf(ownerOf(home)), ref)).rejects.toMatchObject({
      code: 'invitation.already_pending',
    });
    const all = await listInvitations(ctxOf(ownerOf(home)), { ...home_id(home), limit: 1 });
    expect(all.items.map((item) => item.id)).toEqual([again.id]);
    const rest = await listInvitations(ctxOf(ownerOf(home)), { ...home_id(home), limit: 1, cursor: all.next_cursor! });
    expect(rest).toMatchObject({ items: [{ id }], next_cursor: null });
  });
});

describe('the workspace that one is invited to', () => {
  test('takes no more people than it has seats; programs take none', async () => {
    const home = await seedWorkspace(t.db);
    await t.asOwner('update app.workspaces set seat_limit = 2 where id = $1', [home.workspace_id]);
    const program = await addMember(t.db, home, 'member');
    await t.asOwner(`update app.users set kind = 'api_key' where id = $1`, [program.user_id]);
    const people = await Promise.all(Array.from({ length: 4 }, someone));
    const invitations = await Promise.all(people.map(({ email }) => invite(home, email, { role: 'guest' })));
    const answers = await Promise.allSettled(people.map((who, n) => accept(who, invitations[n]!)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'workspace.seats_full' });
    }
    expect(Object.keys(await rolesIn(home))).toHaveLength(2);
  });

  test('is gone once deleted: to the token, to its preview and to the list', async () => {
    const home = await seedWorkspace(t.db);
    const ada = await someone();
    const invitation = await invite(home, ada.email);
    const token = await tokenOf(t, invitation);
    expect(await previewInvitation(ctxOf(ada), { token })).toEqual({
      workspace_name: 'Seeded workspace',
      inviter_name: expect.any(String),
    });
    await deleteWorkspace(ctxOf(ownerOf(home)), { ...home_id(home), name: 'Seeded workspace' });
    await expect(respond(ada, { token })).rejects.toMatchObject({ kind: 'not_found', code: 'invitation.not_found' });
    await expect(previewInvitation(ctxOf(ada), { token })).rejects.toMatchObject({ code: 'invitation.not_found' });
    expect((await listMyInvitations(ctxOf(ada), {})).items).toEqual([]);
  });

  test('who was removed does not come back by another invitation of the same time', async () => {
    const home = await seedWorkspace(t.db);
    const ada = await someone();
    const first = await invite(home, ada.email);
    await t.asOwner(`update app.users set email = $2 where id = $1`, [ada.user_id, `second-${ada.email}`]);
    const second = await invite(home, `second-${ada.email}`);
    await accept(ada, second);
    await t.asOwner(`update app.users set email = $2 where id = $1`, [ada.user_id, ada.email]);
    await removeWorkspaceMember(ctxOf(ownerOf(home)), { ...home_id(home), user_id: ada.user_id });
    await expect(accept(ada, first)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    expect(await rolesIn(home)).toEqual({});
  });
});

describe('an invitation to a canvas', () => {
  const toCanvas = async (
    by: { user_id: string },
    canvas_id: string,
    email: string,
    role: 'viewer' | 'editor' | 'admin',
  ) => (await inviteToCanvas(ctxOf(by), { canvas_id, email, role })).result;
  const take = async (who: Someone, invitation: Invitation) => {
    const ctx = ctxOf(who);
    const token = await tokenOf(t, invitation);
    const { result } = await respondToInvitation(ctx, { kind: 'canvas', token, response: 'accept' });
    return { result, published: ctx.bus.published };
  };

  test('gives the higher of what one has and what is offered, and tells the hubs; personal canvases too', async () => {
    const canvas = await seedCanvas(t.db);
    const ada = await someone();
    const { result, published } = await take(ada, await toCanvas(canvas, canvas.canvas_id, ada.email, 'viewer'));
    expect(result).toMatchObject({ status: 'accepted', role: 'viewer', canvas: { id: canvas.canvas_id } });
    expect(published).toContainEqual({
      channel: `canvas:{${canvas.canvas_id}}`,
      message: { kind: 'access', user_id: ada.user_id, frame: '' },
    });
    await expect(toCanvas(canvas, canvas.canvas_id, ada.email, 'viewer')).rejects.toMatchObject({
      code: 'invitation.already_member',
    });
    const higher = await toCanvas(canvas, canvas.canvas_id, ada.email, 'editor');
    await setAccess(ctxOf(canvas), { canvas_id: canvas.canvas_id, user_id: ada.user_id, role: 'admin' });
    expect((await take(ada, higher)).result).toMatchObject({ status: 'accepted', role: 'admin' });
  });

  test('is made by admins of the canvas alone, and ends with what they may give', async () => {
    const home = await seedWorkspace(t.db);
    const canvas = await seedCanvas(t.db, home);
    const { canvas_id } = canvas;
    const editor = await addMember(t.db, home, 'member');
    const admin = await addCanvasAccess(t.db, canvas, 'admin');
    const ada = await someone();
    await expect(toCanvas(editor, canvas_id, ada.email, 'viewer')).rejects.toMatchObject({ code: 'canvas.forbidden' });
    const stranger = await someone();
    await expect(toCanvas(stranger, canvas_id, ada.email, 'viewer')).rejects.toMatchObject({
      code: 'canvas.not_found',
    });
    await expect(listInvitations(ctxOf(editor), { canvas_id })).rejects.toMatchObject({ code: 'canvas.forbidden' });
    const invitation = await toCanvas(admin, canvas_id, ada.email, 'admin');
    expect((await listInvitations(ctxOf(ownerOf(home)), { canvas_id })).items).toHaveLength(1);
    expect((await listInvitations(ctxOf(ownerOf(home)), home_id(home))).items).toEqual([]);
    await setAccess(ctxOf(canvas), { canvas_id, user_id: admin.user_id, role: 'editor' });
    await expect(take(ada, invitation)).rejects.toMatchObject({ code: 'invitation.not_pending' });
  });

  test('who is taken off a canvas, or given less there, does not come back by an invitation of before', async () => {
    const canvas = await seedCanvas(t.db);
    const [ada, bob] = [await someone(), await someone()];
    for (const [who, role] of [
      [ada, null],
      [bob, 'viewer'],
    ] as const) {
      await setAccess(ctxOf(canvas), { canvas_id: canvas.canvas_id, user_id: who.user_id, role: 'commenter' });
      const higher = await toCanvas(canvas, canvas.canvas_id, who.email, 'editor');
      await setAccess(ctxOf(canvas), { canvas_id: canvas.canvas_id, user_id: who.user_id, role });
      await expect(take(who, higher)).rejects.toMatchObject({ code: 'invitation.not_pending' });
    }
    const others = await toCanvas(canvas, canvas.canvas_id, (await someone()).email, 'viewer');
    expect((await listInvitations(ctxOf(canvas), { canvas_id: canvas.canvas_id, status: 'pending' })).items).toEqual([
      expect.objectContaining({ id: others.id }),
    ]);
    expect(await actionsIn(canvas)).toContain('invitation.revoke');
  });

  test('takes no seat, and does not outlive the membership of whom it awaits', async () => {
    const home = await seedWorkspace(t.db);
    await t.asOwner('update app.workspaces set seat_limit = 1 where id = $1', [home.workspace_id]);
    const canvas = await seedCanvas(t.db, home);
    const [ada, bob] = [await someone(), await someone()];
    await take(bob, await toCanvas(canvas, canvas.canvas_id, bob.email, 'viewer'));
    await addMember(t.db, home, 'member', ada);
    const offered = await toCanvas(canvas, canvas.canvas_id, ada.email, 'admin');
    await removeWorkspaceMember(ctxOf(ownerOf(home)), { ...home_id(home), user_id: ada.user_id });
    await expect(take(ada, offered)).rejects.toMatchObject({ code: 'invitation.not_pending' });
  });
});
