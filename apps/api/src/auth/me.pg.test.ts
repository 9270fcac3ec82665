import { giveApiKey } from '@potentia/domain/auth/testing/api-key';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const ME = '/api/v1/me';
const ada = (): Promise<Person> => person(backends.issuer, { user_metadata: { full_name: 'Ada' } });
const auditOf = (who: Person) =>
  backends.database.asOwner(
    `select a.before, a.after, a.request_id from app.audit_logs a join app.workspaces w on w.id = a.workspace_id and w.is_personal
     where w.owner_user_id = $1 and a.actor_user_id = $1 and a.target_id = $1::text and a.action = 'user.update' order by a.id`,
    [who.user_id],
  );

describe('who you are', () => {
  it('is what your token says until you choose, with no language of your own', async () => {
    const who = await ada();
    expect((await api.call(who, 'GET', ME)).body).toEqual({
      ...{ user_id: who.user_id, email: who.email, name: 'Ada', locale: null, time_zone: 'UTC' },
      personal_workspace_id: expect.any(String),
    });
  });

  it('is changed by you, at once for every replica, and audited in your personal space', async () => {
    const who = await ada();
    await using replica = await startApi(backends);
    await replica.call(who, 'GET', ME);
    const chosen = { name: 'Countess', locale: 'id', time_zone: 'Asia/Jakarta' };
    const changed = await api.call(who, 'PATCH', ME, chosen);
    expect(changed).toMatchObject({ status: 200, body: { user_id: who.user_id, email: who.email, ...chosen } });
    expect((await replica.call(who, 'GET', ME)).body).toEqual(changed.body);
    const single = await api.call(who, 'PATCH', ME, { locale: 'en' });
    expect(single.body).toEqual({ ...changed.body, locale: 'en' });
    // It is so already.
    await api.call(who, 'PATCH', ME, { locale: 'en' });
    expect(await auditOf(who)).toEqual([
      {
        before: { name: 'Ada', locale: null, time_zone: 'UTC' },
        after: chosen,
        request_id: changed.headers['x-request-id'],
      },
      { before: { locale: 'id' }, after: { locale: 'en' }, request_id: single.headers['x-request-id'] },
    ]);
  });

  it('keeps the name that you chose, whatever name a later token brings', async () => {
    const who = await ada();
    await api.call(who, 'PATCH', ME, { name: 'Countess' });
    const claims = { sub: who.user_id, email: 'other@example.com', user_metadata: { full_name: 'Ada Byron' } };
    const later = { ...who, token: await backends.issuer.sign(claims) };
    expect((await api.call(later, 'GET', ME)).body).toMatchObject({ name: 'Countess', email: 'other@example.com' });
  });

  it('is nobody else’s to see or change, nor an API key’s', async () => {
    const [who, other] = [await ada(), await ada()];
    const before = await api.call(other, 'GET', ME);
    await api.call(who, 'PATCH', ME, { name: 'Countess', locale: 'id' });
    expect((await api.call(other, 'GET', ME)).body).toEqual(before.body);
    expect((await api.call(null, 'PATCH', ME, { name: 'x' })).status).toBe(401);
    const made = await api.call(who, 'POST', '/api/v1/workspaces', { name: 'Keys' });
    const home = { workspace_id: made.body.id as string, owner_user_id: who.user_id };
    const key = { ...(await giveApiKey(backends.database.db, home, ['workspace:admin'])), email: '' };
    const refused = { status: 403, body: { code: 'api_key.scope_missing' } };
    expect(await api.call(key, 'PATCH', ME, { name: 'x' })).toMatchObject(refused);
  });

  it('takes only what it names: languages that there are, zones by their names, names that can be read', async () => {
    const who = await ada();
    const bad: [object, string][] = [
      [{}, ''],
      [{ locale: 'fr' }, '/locale'],
      [{ locale: null }, '/locale'],
      [{ time_zone: '+07:00' }, '/time_zone'],
      [{ time_zone: 'Mars/Olympus' }, '/time_zone'],
      [{ name: '' }, '/name'],
      [{ name: ' Ada' }, '/name'],
      [{ name: 'x'.repeat(121) }, '/name'],
      [{ name: 'Ada', email: 'ada@example.com' }, '/email'],
      [{ name: 'Ada', kind: 'api_key' }, '/kind'],
    ];
    for (const [body, pointer] of bad) {
      const answer = await api.call(who, 'PATCH', ME, body);
      expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([400, 'request.invalid']);
      expect(answer.body.errors, JSON.stringify(body)).toMatchObject([{ pointer }]);
    }
    expect((await api.call(who, 'GET', ME)).body).toMatchObject({ name: 'Ada', locale: null, time_zone: 'UTC' });
    expect(await auditOf(who)).toEqual([]);
  });
});
