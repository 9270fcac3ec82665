import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let stranger: Person;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  [owner, stranger] = [await newPerson(), await newPerson()];
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

async function newPerson(): Promise<Person> {
  const who = await person(backends.issuer);
  await api.call(who, 'GET', '/api/v1/me');
  return who;
}
async function newWorkspace(): Promise<string> {
  const answer = await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Garden' });
  expect(answer.status).toBe(201);
  return answer.body.id;
}
const invite = (workspace_id: string, body: object, who: Person | null = owner): Promise<Answer> =>
  api.call(who, 'POST', `/api/v1/workspaces/${workspace_id}/invitations`, body);

async function tokenOf(invitation_id: string): Promise<string> {
  const [row] = await backends.database.asOwner<{ sealed: string }>(
    `select payload ->> 'sealed_token' as sealed from app.outbox
     where topic = 'mail.send' and payload ->> 'reference' = $1 order by id desc limit 1`,
    [invitation_id],
  );
  return api.context.sealer.open(row!.sealed, `invitation:${invitation_id}`);
}

const WITHOUT_REQUEST = /"(request_id|instance)":"[^"]*"/g;

describe('inviting', () => {
  it('answers 201 with everything but the token, lists it, sends it again, takes it back', async () => {
    const workspace_id = await newWorkspace();
    const made = await invite(workspace_id, { email: 'Ada@Example.com', role: 'guest' });
    expect(made).toMatchObject({ status: 201, body: { email: 'ada@example.com', type: 'EMAIL', status: 'pending' } });
    const { id } = made.body;
    const path = `/api/v1/workspaces/${workspace_id}/invitations`;
    expect((await api.call(owner, 'GET', `${path}?status=pending`)).body).toEqual({
      items: [made.body],
      next_cursor: null,
    });
    expect(made.text).not.toMatch(/token/);
    const sent = await api.call(owner, 'POST', `${path}/${id}/resend`);
    expect(sent).toMatchObject({ status: 200, body: { id, sent_count: 2 } });
    expect((await api.call(owner, 'DELETE', `${path}/${id}`)).status).toBe(204);
    expect(await api.call(owner, 'POST', `${path}/${id}/resend`)).toMatchObject({
      status: 409,
      body: { code: 'invitation.not_pending' },
    });
  });

  it('names what is wrong with the body', async () => {
    const workspace_id = await newWorkspace();
    for (const [body, pointer] of [
      [{ email: 'ada@example.com', role: 'guest', token: 'mine' }, '/token'],
      [{ email: 'ada@example.com', role: 'owner' }, '/role'],
      [{ email: 'ada', role: 'guest' }, '/email'],
      [{ user_id: 'ada', role: 'guest' }, '/user_id'],
      [{ role: 'guest' }, ''],
      [{ email: 'ada@example.com', user_id: stranger.user_id, role: 'guest' }, ''],
    ] as const) {
      const answer = await invite(workspace_id, body);
      expect(answer.status, JSON.stringify(body)).toBe(400);
      expect(answer.body.errors[0].pointer).toBe(pointer);
    }
  });

  it('takes a type that says what is given, and no other', async () => {
    const workspace_id = await newWorkspace();
    const { user_id } = await newPerson();
    const email = 'ada@example.com';
    for (const body of [
      { email, type: 'EMAIL' },
      { user_id, type: 'USER_ID' },
    ])
      expect((await invite(workspace_id, { ...body, role: 'guest' })).body).toMatchObject(body);
    for (const body of [
      { email, type: 'USER_ID' },
      { user_id, type: 'EMAIL' },
      { email, type: 'email' },
    ])
      expect(await invite(workspace_id, { ...body, role: 'guest' })).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/type' }] },
      });
  });

  it('is for admins: 401 without a token, 403 for members, and to strangers a workspace that is not there', async () => {
    const workspace_id = await newWorkspace();
    const member = await newPerson();
    const { body: invitation } = await invite(workspace_id, { user_id: member.user_id, role: 'member' });
    await api.call(member, 'POST', '/invitations/workspace/respond', {
      invitation_id: invitation.id,
      response: 'accept',
    });
    const body = { email: 'ada@example.com', role: 'guest' };
    expect((await invite(workspace_id, body, null)).status).toBe(401);
    expect(await invite(workspace_id, body, member)).toMatchObject({
      status: 403,
      body: { code: 'workspace.forbidden' },
    });
    for (const [method, path] of [
      ['POST', ''],
      ['GET', ''],
      ['POST', `/${invitation.id}/resend`],
      ['DELETE', `/${invitation.id}`],
    ] as const) {
      const ask = (workspace: string) =>
        api.call(
          stranger,
          method,
          `/api/v1/workspaces/${workspace}/invitations${path}`,
          method === 'POST' && path === '' ? body : undefined,
        );
      const [foreign, none] = [await ask(workspace_id), await ask(randomUUID())];
      expect(foreign.status).toBe(404);
      expect(foreign.text.replaceAll(WITHOUT_REQUEST, '')).toBe(none.text.replaceAll(WITHOUT_REQUEST, ''));
    }
  });

  it('of one address too often ends in 429 and the time to wait', async () => {
    const email = `${randomUUID()}@example.com`;
    let answer: Answer | undefined;
    for (let n = 0; n < 11; n += 1) answer = await invite(await newWorkspace(), { email, role: 'guest' });
    expect(answer).toMatchObject({ status: 429, body: { code: 'invitation.too_many' } });
    expect(Number(answer?.headers['retry-after'])).toBeGreaterThan(60);
  });
});

describe('answering', () => {
  it('by the token: seen by anybody who holds it, taken by whose address it is, once', async () => {
    const workspace_id = await newWorkspace();
    const invited = await newPerson();
    const { body: invitation } = await invite(workspace_id, { email: invited.email, role: 'member' });
    const token = await tokenOf(invitation.id);
    const preview = await api.call(null, 'POST', '/api/v1/invitations/preview', { token });
    expect(preview).toMatchObject({ status: 200, body: { workspace_name: 'Garden', inviter_name: 'Ada' } });
    expect(Object.keys(preview.body)).toHaveLength(2);
    expect(preview.headers['cache-control']).toBe('no-store');
    const respond = (who: Person | null, body: object) =>
      api.call(who, 'POST', '/api/v1/invitations/workspace/respond', body);
    const accept = { token, response: 'accept' };
    expect((await respond(null, accept)).status).toBe(401);
    expect(await respond(stranger, accept)).toMatchObject({ status: 403, body: { code: 'invitation.wrong_address' } });
    expect((await api.call(invited, 'GET', `/api/v1/workspaces/${workspace_id}`)).status).toBe(404);
    expect(await respond(invited, accept)).toMatchObject({
      status: 200,
      body: { status: 'accepted', role: 'member', workspace: { id: workspace_id, name: 'Garden' } },
    });
    expect((await api.call(invited, 'GET', `/api/v1/workspaces/${workspace_id}`)).status).toBe(200);
    expect(await respond(invited, accept)).toMatchObject({ status: 409, body: { code: 'invitation.not_pending' } });
    expect(await respond(invited, { ...accept, token: 'x' })).toMatchObject({
      status: 404,
      body: { code: 'invitation.not_found' },
    });
    for (const body of [
      { response: 'accept' },
      { ...accept, invitation_id: invitation.id },
      { token, response: 'yes' },
    ]) {
      expect((await respond(invited, body)).status).toBe(400);
    }
    expect(await api.call(null, 'POST', '/api/v1/invitations/preview', { token })).toMatchObject({ status: 409 });
  });

  it('without mail: from the list of one’s own', async () => {
    const workspace_id = await newWorkspace();
    const invited = await newPerson();
    const { body: invitation } = await invite(workspace_id, { user_id: invited.user_id, role: 'admin' });
    const mine = await api.call(invited, 'GET', '/invitations');
    expect(mine.body.items).toMatchObject([{ invitation_id: invitation.id, kind: 'workspace', role: 'admin' }]);
    expect((await api.call(stranger, 'GET', '/api/v1/invitations')).body.items).toEqual([]);
    const body = { invitation_id: invitation.id, response: 'reject' };
    expect((await api.call(stranger, 'POST', '/invitations/workspace/respond', body)).status).toBe(404);
    expect(await api.call(invited, 'POST', '/invitations/workspace/respond', body)).toMatchObject({
      status: 200,
      body: { status: 'rejected', role: null, workspace: null },
    });
  });

  it('of a canvas opens that canvas and nothing beside', async () => {
    const canvas_id = await api.makeCanvas(owner, { title: 'Plan' });
    const invited = await newPerson();
    const body = { email: invited.email, role: 'editor' };
    const path = `/api/v1/canvases/${canvas_id}/invitations`;
    expect((await api.call(stranger, 'POST', path, body)).status).toBe(404);
    const made = await api.call(owner, 'POST', path, body);
    expect(made).toMatchObject({ status: 201, body: { canvas_id, role: 'editor' } });
    const answer = await api.call(invited, 'POST', '/api/v1/invitations/canvas/respond', {
      token: await tokenOf(made.body.id),
      response: 'accept',
    });
    expect(answer).toMatchObject({ status: 200, body: { role: 'editor', canvas: { id: canvas_id, title: 'Plan' } } });
    expect((await api.call(invited, 'GET', `/api/v1/canvases/${canvas_id}`)).body.role).toBe('editor');
    expect((await api.call(invited, 'GET', path)).status).toBe(403);
    expect((await api.call(owner, 'GET', path)).body.items).toHaveLength(1);
  });
});
