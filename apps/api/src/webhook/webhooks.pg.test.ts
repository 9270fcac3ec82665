import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let stranger: Person;
let workspace_id: string;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends, { WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
  [owner, stranger] = [await person(backends.issuer), await person(backends.issuer)];
  await api.call(stranger, 'GET', '/api/v1/me');
  workspace_id = await makeWorkspace(owner);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

async function makeWorkspace(who: Person): Promise<string> {
  const answer = await api.call(who, 'POST', '/api/v1/workspaces', { name: 'Hooks' });
  expect(answer.status).toBe(201);
  return answer.body.id;
}

async function addMember(role: string): Promise<Person> {
  const member = await person(backends.issuer);
  await api.call(member, 'GET', '/api/v1/me');
  await backends.database.asOwner(
    'insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, $3)',
    [workspace_id, member.user_id, role],
  );
  return member;
}

const at = (id = workspace_id): string => `/api/v1/workspaces/${id}/webhooks`;
const URL_INSIDE = 'http://127.0.0.1:4999/hook';
const create = (body: object = { url: URL_INSIDE }, who: Person | null = owner) => api.call(who, 'POST', at(), body);

describe('an endpoint', () => {
  it('is made with a secret that is shown once, read, changed and deleted', async () => {
    const made = await create({ url: URL_INSIDE, description: 'CI', event_types: ['canvas.*'] });
    expect(made.status).toBe(201);
    expect(made.headers).toMatchObject({ 'cache-control': 'no-store', location: `${at()}/${made.body.id}` });
    expect(made.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { secret: _, ...shown } = made.body;
    const one = `${at()}/${made.body.id}`;
    expect((await api.call(owner, 'GET', one)).body).toEqual(shown);
    expect((await api.call(owner, 'GET', at())).body.items).toContainEqual(shown);

    const changed = await api.call(owner, 'PATCH', one, {
      description: 'Deploys',
      event_types: [],
      status: 'disabled',
    });
    expect(changed.body).toMatchObject({ description: 'Deploys', event_types: [], disabled_reason: 'manual' });
    const rotate = () => api.call(owner, 'POST', `${one}/rotate-secret`, undefined, { 'idempotency-key': `r-${one}` });
    const [rotated, again] = [await rotate(), await rotate()];
    expect(rotated.body.secret).not.toBe(made.body.secret);
    expect(again.body).toEqual(rotated.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await api.call(owner, 'DELETE', one)).status).toBe(204);
    expect((await api.call(owner, 'GET', one)).body.code).toBe('webhook.not_found');
    const audited = await backends.database.asOwner<{ action: string }>(
      'select action from app.audit_logs where target_id = $1 order by created_at',
      [made.body.id],
    );
    expect(audited.map(({ action }) => action)).toEqual(
      ['create', 'update', 'rotate_secret', 'delete'].map((verb) => `webhook.${verb}`),
    );
  });

  it('is made once per Idempotency-Key, with the same secret', async () => {
    const send = () => api.call(owner, 'POST', at(), { url: URL_INSIDE }, { 'idempotency-key': 'hook-1' });
    const [first, again] = [await send(), await send()];
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
  });

  it.each([
    ['http://10.0.0.1/', 'Must lead to a public address'],
    ['http://169.254.169.254/latest/meta-data', 'Must lead to a public address'],
    ['http://[::ffff:169.254.169.254]/', 'Must lead to a public address'],
    ['http://[::1]/', 'Must lead to a public address'],
    ['http://a:b@127.0.0.1/', 'Must hold no credentials'],
    ['http://127.0.0.1:25/', 'The port must be 80, 443 or above 1023'],
    ['gopher://127.0.0.1/', 'Must be an http(s) URL'],
    ['x', 'Must be a URL'],
  ])('does not lead inside: %s', async (url, message) => {
    const refused = await create({ url });
    expect([refused.status, refused.body.errors]).toEqual([400, [{ pointer: '/url', message }]]);
    const { body } = await create();
    const changed = await api.call(owner, 'PATCH', `${at()}/${body.id}`, { url });
    expect([changed.status, changed.body.errors]).toEqual([400, [{ pointer: '/url', message }]]);
    await api.call(owner, 'DELETE', `${at()}/${body.id}`);
  });

  it('takes no field that it does not know, and no type that is none', async () => {
    expect((await create({ url: URL_INSIDE, secret: 'whsec_mine' })).body.errors).toEqual([
      { pointer: '/secret', message: 'Unknown field' },
    ]);
    expect((await create({ url: URL_INSIDE, event_types: ['Everything'] })).body.errors[0].pointer).toBe(
      '/event_types/0',
    );
  });

  it('is one of twenty of a workspace, also when they come at once', async () => {
    const own = await person(backends.issuer);
    const id = await makeWorkspace(own);
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => api.call(own, 'POST', at(id), { url: URL_INSIDE })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
    expect(answers.filter(({ body }) => body.code === 'webhook.too_many')).toHaveLength(5);
  });
});

describe('the log', () => {
  it('is filtered and read in pages, each message with what was sent', async () => {
    const { body: webhook } = await create({ url: URL_INSIDE, event_types: ['webhook.delete'] });
    const one = `${at()}/${webhook.id}`;
    const sent: string[] = [];
    for (let n = 0; n < 5; n++) sent.push((await api.call(owner, 'POST', `${one}/test`)).body.id);
    const first = await api.call(owner, 'GET', `${one}/deliveries?limit=2&event_type=webhook.test&status=pending`);
    expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual([sent[4], sent[3]]);
    const next = await api.call(owner, 'GET', `${one}/deliveries?limit=9&cursor=${first.body.next_cursor}`);
    expect(next.body.items.map(({ id }: { id: string }) => id)).toEqual([sent[2], sent[1], sent[0]]);
    expect(next.body.next_cursor).toBeNull();
    expect((await api.call(owner, 'GET', `${one}/deliveries?status=failed`)).body.items).toEqual([]);
    expect((await api.call(owner, 'GET', `${one}/deliveries?cursor=x`)).body.errors[0].pointer).toBe('/cursor');
    const detail = await api.call(owner, 'GET', `${one}/deliveries/${sent[0]}`);
    expect(detail.body).toMatchObject({
      ...{ id: sent[0], status: 'pending', attempts: 0, response_excerpt: null },
      payload: { type: 'webhook.test', data: { workspace_id, target: { type: 'webhook', id: webhook.id } } },
    });
    const again = await api.call(owner, 'POST', `${one}/deliveries/${sent[0]}/redeliver`);
    expect([again.status, again.body.id]).toEqual([202, sent[0]]);
  });
});

describe('who is no admin', () => {
  it('sees and does nothing: strangers as if there were no workspace, members and guests are refused', async () => {
    const { body: webhook } = await create();
    const { body: sent } = await api.call(owner, 'POST', `${at()}/${webhook.id}/test`);
    const doors: [string, string, object?][] = [
      ['GET', ''],
      ['POST', '', { url: URL_INSIDE }],
      ['POST', '', { url: 'http://no.such.host.invalid/' }],
      ['GET', `/${webhook.id}`],
      ['PATCH', `/${webhook.id}`, { status: 'disabled' }],
      ['PATCH', `/${webhook.id}`, { url: 'http://10.0.0.1/' }],
      ['DELETE', `/${webhook.id}`],
      ['POST', `/${webhook.id}/rotate-secret`],
      ['POST', `/${webhook.id}/test`],
      ['GET', `/${webhook.id}/deliveries`],
      ['GET', `/${webhook.id}/deliveries/${sent.id}`],
      ['POST', `/${webhook.id}/deliveries/${sent.id}/redeliver`],
    ];
    const [member, guest, admin] = [await addMember('member'), await addMember('guest'), await addMember('admin')];
    for (const [method, path, body] of doors) {
      const ask = async (who: Person | null) => {
        const answer = await api.call(who, method, at() + path, body);
        return [answer.status, answer.body.code];
      };
      expect(await ask(null), `${method} ${path}`).toEqual([401, 'auth.token_missing']);
      expect(await ask(stranger), `${method} ${path}`).toEqual([404, 'workspace.not_found']);
      for (const who of [member, guest])
        expect(await ask(who), `${method} ${path}`).toEqual([403, 'workspace.forbidden']);
    }
    expect((await api.call(admin, 'GET', `${at()}/${webhook.id}`)).status).toBe(200);
  });

  it('of one workspace gains nothing by the ids of another', async () => {
    const { body: webhook } = await create();
    const { body: sent } = await api.call(owner, 'POST', `${at()}/${webhook.id}/test`);
    const own = await makeWorkspace(stranger);
    for (const [method, path, code] of [
      ['GET', `/${webhook.id}`, 'webhook.not_found'],
      ['DELETE', `/${webhook.id}`, 'webhook.not_found'],
      ['POST', `/${webhook.id}/rotate-secret`, 'webhook.not_found'],
      ['GET', `/${webhook.id}/deliveries`, 'webhook.not_found'],
      ['POST', `/${webhook.id}/deliveries/${sent.id}/redeliver`, 'webhook.not_found'],
    ]) {
      const answer = await api.call(stranger, method!, at(own) + path!);
      expect([answer.status, answer.body.code]).toEqual([404, code]);
    }
    const { body: theirs } = await api.call(stranger, 'POST', at(own), { url: URL_INSIDE });
    const crossed = await api.call(stranger, 'GET', `${at(own)}/${theirs.id}/deliveries/${sent.id}`);
    expect([crossed.status, crossed.body.code]).toEqual([404, 'webhook.delivery_not_found']);
  });
});
