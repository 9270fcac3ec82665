import { randomUUID } from 'node:crypto';
import { createDb } from '@potentia/db/client';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedCanvas, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCanvas } from '../canvas/create-canvas.ts';
import { getCanvas } from '../canvas/get-canvas.ts';
import { createSealer } from '../platform/seal.ts';
import { personCtx, recordBus } from '../platform/testing/person.ts';
import { hashApiKey, makeApiKey } from './api-key-text.ts';
import { createApiKey } from './create-api-key.ts';
import { expireApiKeys } from './expire-api-keys.ts';
import { listApiKeys } from './list-api-keys.ts';
import { revokeApiKey } from './revoke-api-key.ts';
import { giveApiKey } from './testing/api-key.ts';
import { createApiKeyVerifier } from './verify-api-key.ts';

let t: TestDatabase;
let workspace: SeededWorkspace;
let workspace_id: string;
beforeAll(async () => {
  t = await createTestDatabase();
  workspace = await seedWorkspace(t.db);
  workspace_id = workspace.workspace_id;
});
afterAll(() => t.drop());

const sealer = createSealer([{ kid: 'test', key: new Uint8Array(32) }]);
const ctxOf = (user_id: string, overrides = {}) => ({ ...personCtx(t.db, user_id, overrides), sealer });
const owner = (overrides = {}) => ctxOf(workspace.owner_user_id, overrides);
const refusal = (code: string) => expect.objectContaining({ name: 'AppError', code });

/** Counts the statements of a verifier whose time stands still until it is told otherwise. */
function makeVerifier() {
  const time = { now: Date.now() };
  const refused: string[] = [];
  let statements = 0;
  const db = { ...t.db, call: (...args: Parameters<typeof t.db.call>) => (statements++, t.db.call(...args)) };
  const { verify } = createApiKeyVerifier({
    db: db as typeof t.db,
    onRefused: ({ code }) => refused.push(code),
    clock: () => new Date(time.now),
  });
  return { verify, time, refused, statements: () => statements };
}

describe('making a key', () => {
  it('answers it once, stores its hash alone, and lets it act as a member of this workspace and nobody elsewhere', async () => {
    const { result } = await createApiKey(owner(), { workspace_id, name: 'CI', scopes: ['canvas:write'] });
    const { key, ...shown } = result;
    expect(key.startsWith(shown.prefix) && key.endsWith(shown.last_four)).toBe(true);
    const [row] = await t.asOwner<{ row: string; hash: string }>(
      `select to_jsonb(k)::text as row, encode(key_hash, 'hex') as hash from app.api_keys k where id = $1`,
      [shown.id],
    );
    expect(row?.hash).toBe(hashApiKey(key));
    expect(row?.row).not.toContain(key);
    expect((await listApiKeys(owner(), { workspace_id })).items).toContainEqual(shown);
    const users = await t.asOwner(
      'select kind, role from app.users u join app.workspace_members m on m.user_id = u.id where u.id = $1',
      [shown.id],
    );
    expect(users).toEqual([{ kind: 'api_key', role: 'member' }]);
    const { canvas_id: foreign } = await seedCanvas(t.db);
    const { canvas_id: here } = await seedCanvas(t.db, workspace);
    expect(await getCanvas(ctxOf(shown.id), { canvas_id: here })).toMatchObject({ role: 'editor' });
    await expect(getCanvas(ctxOf(shown.id), { canvas_id: foreign })).rejects.toEqual(refusal('canvas.not_found'));
  });

  it('with workspace:admin it is an admin', async () => {
    const { user_id } = await giveApiKey(t.db, workspace, ['workspace:admin']);
    expect((await listApiKeys(ctxOf(user_id), { workspace_id })).items.length).toBeGreaterThan(0);
  });

  it('is for admins: not for a member, a guest, somebody else, or another key', async () => {
    const ask = (user_id: string) => createApiKey(ctxOf(user_id), { workspace_id, name: 'x', scopes: ['canvas:read'] });
    const admin = await addMember(t.db, workspace, 'admin');
    expect((await ask(admin.user_id)).result.created_by).toBe(admin.user_id);
    const [member, guest] = [await addMember(t.db, workspace), await addMember(t.db, workspace, 'guest')];
    for (const { user_id } of [member, guest])
      await expect(ask(user_id)).rejects.toEqual(refusal('workspace.forbidden'));
    await expect(ask((await seedUser(t.db)).user_id)).rejects.toEqual(refusal('workspace.not_found'));
    const key = await giveApiKey(t.db, workspace, ['workspace:admin']);
    await expect(ask(key.user_id)).rejects.toEqual(refusal('api_key.keys_make_no_keys'));
  });

  it('sent twice under one Idempotency-Key, it is one key, and nothing that is stored shows it', async () => {
    const idempotency_key = randomUUID();
    const ask = () => createApiKey(owner({ idempotency_key }), { workspace_id, name: 'once', scopes: ['canvas:read'] });
    const [first, second] = [await ask(), await ask()];
    expect(second).toEqual({ result: first.result, replayed: true });
    const stored = await t.asOwner<{ row: string }>(
      'select to_jsonb(i)::text as row from app.idempotency_keys i where key = $1',
      [idempotency_key],
    );
    expect(stored).toHaveLength(1);
    expect(stored[0]?.row).not.toContain(first.result.key);
  });

  it('refuses an end that has passed, no scope, an unknown scope and an unknown field', async () => {
    const good = { workspace_id, name: 'x', scopes: ['canvas:read'] as const };
    const ask = (body: object) => createApiKey(owner(), { ...good, ...body } as never);
    for (const body of [
      { expires_at: '2020-01-01T00:00:00Z' },
      { scopes: [] },
      { scopes: ['canvas:read', 'canvas:read'] },
      { scopes: ['root'] },
      { name: '' },
      { role: 'owner' },
    ])
      await expect(ask(body), JSON.stringify(body)).rejects.toEqual(refusal('request.invalid'));
  });

  it('a key has no personal space: where it makes a canvas, it says', async () => {
    const { user_id } = await giveApiKey(t.db, workspace, ['canvas:write']);
    await expect(createCanvas(ctxOf(user_id), { title: 'x' })).rejects.toMatchObject({
      kind: 'invalid',
      meta: { errors: [{ pointer: '/workspace_id' }] },
    });
    expect((await createCanvas(ctxOf(user_id), { workspace_id, title: 'x' })).result.created_by).toBe(user_id);
  });
});

describe('verifying a key', () => {
  it('says who it acts as, and asks Postgres once in ten seconds, however many ask at once', async () => {
    const { user_id, token } = await giveApiKey(t.db, workspace, ['canvas:read', 'workspace:read']);
    const { verify, time, statements } = makeVerifier();
    const found = await Promise.all(Array.from({ length: 8 }, () => verify(token)));
    expect(found[0]).toMatchObject({
      user_id,
      email: null,
      api_key: { id: user_id, workspace_id, scopes: ['canvas:read', 'workspace:read'] },
    });
    expect(statements()).toBe(1);
    time.now += 9_999;
    await verify(token);
    expect(statements()).toBe(1);
    time.now += 2;
    await verify(token);
    expect(statements()).toBe(2);
  });

  it('refuses what is none: a malformed one without asking, an unknown one for five seconds by one question', async () => {
    const { verify, time, refused, statements } = makeVerifier();
    await expect(verify('pot_nonsense')).rejects.toEqual(refusal('auth.token_invalid'));
    expect(statements()).toBe(0);
    const unknown = makeApiKey();
    for (let n = 0; n < 3; n++) await expect(verify(unknown)).rejects.toEqual(refusal('auth.token_invalid'));
    expect(statements()).toBe(1);
    time.now += 5_001;
    await expect(verify(unknown)).rejects.toEqual(refusal('auth.token_invalid'));
    expect(statements()).toBe(2);
    expect(refused).toHaveLength(5);
  });

  it('an expired key is refused to the millisecond, also one that was taken a moment before', async () => {
    const { verify, time, statements } = makeVerifier();
    const expires_at = new Date(time.now + 5_000).toISOString();
    const { token } = await giveApiKey(t.db, workspace, ['canvas:read'], { expires_at });
    time.now += 4_999;
    await verify(token);
    time.now += 1;
    await expect(verify(token)).rejects.toEqual(refusal('auth.token_expired'));
    expect(statements()).toBe(1);
  });

  it('a key of a deleted workspace is none', async () => {
    const gone = await seedWorkspace(t.db);
    const { token } = await giveApiKey(t.db, gone, ['canvas:read']);
    await t.asOwner('update app.workspaces set deleted_at = now() where id = $1', [gone.workspace_id]);
    await expect(makeVerifier().verify(token)).rejects.toEqual(refusal('auth.token_invalid'));
  });

  it('notes its use, at most once a minute', async () => {
    const { user_id, token } = await giveApiKey(t.db, workspace, ['canvas:read']);
    const used = async (): Promise<string | null> => {
      const { items } = await listApiKeys(owner(), { workspace_id, limit: 200 });
      return items.find(({ id }) => id === user_id)!.last_used_at;
    };
    expect(await used()).toBeNull();
    await makeVerifier().verify(token);
    const first = await used();
    expect(first).not.toBeNull();
    await makeVerifier().verify(token);
    expect(await used()).toBe(first);
    await t.asOwner(`update app.api_keys set last_used_at = now() - interval '61 seconds' where id = $1`, [user_id]);
    await makeVerifier().verify(token);
    expect((await used())! > first!).toBe(true);
  });

  it('while Postgres is away a key is neither good nor bad, and is asked for again', async () => {
    const { token } = await giveApiKey(t.db, workspace, ['canvas:read']);
    const options = { pool_size: 1, timeout_ms: 300, prepare: true, application_name: 'test' };
    const away = createDb({ ...options, url: 'postgres://nobody@127.0.0.1:1/none' });
    const { verify } = createApiKeyVerifier({ db: away });
    await expect(verify(token)).rejects.toMatchObject({ kind: 'unavailable' });
    await away.end();
  });
});

describe('the end of a key', () => {
  it('comes at once at every wall, also for who remembers it; twice is once; it stays in the list', async () => {
    const bus = recordBus();
    const { canvas_id } = await seedCanvas(t.db, workspace);
    const { user_id, token } = await giveApiKey(t.db, workspace, ['canvas:write']);
    const { verify, time } = makeVerifier();
    await verify(token);
    for (let n = 0; n < 2; n++) await revokeApiKey(owner({ bus }), { workspace_id, api_key_id: user_id });
    await expect(getCanvas(ctxOf(user_id), { canvas_id })).rejects.toEqual(refusal('canvas.not_found'));
    time.now += 10_001;
    await expect(verify(token)).rejects.toEqual(refusal('auth.token_invalid'));
    expect(bus.published[0]).toMatchObject({ message: { kind: 'access', user_id } });
    const { items } = await listApiKeys(owner(), { workspace_id, limit: 200 });
    expect(items.find(({ id }) => id === user_id)?.revoked_at).not.toBeNull();
    const audit = await t.asOwner('select action, before, after from app.audit_logs where target_id = $1 order by id', [
      user_id,
    ]);
    expect(audit).toEqual([
      { action: 'api_key.create', before: null, after: expect.objectContaining({ scopes: ['canvas:write'] }) },
      { action: 'api_key.revoke', before: expect.objectContaining({ name: 'Seeded key' }), after: null },
    ]);
    expect(JSON.stringify(audit)).not.toContain(token);
  });

  it('is for admins of its own workspace', async () => {
    const { user_id: api_key_id } = await giveApiKey(t.db, workspace, ['canvas:read']);
    const ask = (user_id: string, home = workspace_id) =>
      revokeApiKey(ctxOf(user_id), { workspace_id: home, api_key_id });
    const elsewhere = await seedWorkspace(t.db);
    await expect(ask((await addMember(t.db, workspace)).user_id)).rejects.toEqual(refusal('workspace.forbidden'));
    await expect(ask(elsewhere.owner_user_id)).rejects.toEqual(refusal('workspace.not_found'));
    await expect(ask(elsewhere.owner_user_id, elsewhere.workspace_id)).rejects.toEqual(refusal('api_key.not_found'));
  });

  it('comes with the end of whoever made it as an admin', async () => {
    const admin = await addMember(t.db, workspace, 'admin');
    const { result } = await createApiKey(ctxOf(admin.user_id), {
      workspace_id,
      name: 'theirs',
      scopes: ['canvas:read'],
    });
    const others = await giveApiKey(t.db, workspace, ['canvas:read']);
    await t.db.call('select app.set_workspace_role($1, $2, $3, $4, $5)', [
      workspace.owner_user_id,
      workspace_id,
      admin.user_id,
      'member',
      'r',
    ]);
    const { verify } = makeVerifier();
    await expect(verify(result.key)).rejects.toEqual(refusal('auth.token_invalid'));
    expect((await verify(others.token)).user_id).toBe(others.user_id);
  });
});

it('what has expired loses its membership by a job, and goes on being told that it expired', async () => {
  const home = await seedWorkspace(t.db);
  const ends_at = Date.now() + 60_000;
  const [short, long] = [
    await giveApiKey(t.db, home, ['canvas:write'], { expires_at: new Date(ends_at).toISOString() }),
    await giveApiKey(t.db, home, ['canvas:write']),
  ];
  expect(await expireApiKeys({ db: t.job_db })).toEqual({ expired: 0 });
  await t.asOwner(`update app.api_keys set expires_at = now() - interval '1 second' where id = $1`, [short.user_id]);
  expect(await expireApiKeys({ db: t.job_db })).toEqual({ expired: 1 });
  const { canvas_id } = await seedCanvas(t.db, home);
  await expect(getCanvas(ctxOf(short.user_id), { canvas_id })).rejects.toEqual(refusal('canvas.not_found'));
  await expect(makeVerifier().verify(short.token)).rejects.toEqual(refusal('auth.token_expired'));
  expect((await makeVerifier().verify(long.token)).user_id).toBe(long.user_id);
});

it('pages of the list, newest first, hold every key once', async () => {
  const home = await seedWorkspace(t.db);
  const made = [];
  for (let n = 0; n < 5; n++) made.unshift((await giveApiKey(t.db, home, ['canvas:read'])).user_id);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listApiKeys(ctxOf(home.owner_user_id), { workspace_id: home.workspace_id, limit: 2, cursor });
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  // Ids of one millisecond are in no order.
  expect(seen).toEqual(made.toSorted().reverse());
});
