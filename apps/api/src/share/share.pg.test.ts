import { randomBytes, randomUUID } from 'node:crypto';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { seedAttachment } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let canvas_id: string;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  owner = await person(backends.issuer, { name: 'Olga Owner' });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});
beforeEach(async () => {
  canvas_id = await api.makeCanvas(owner, { title: 'Shared plans', icon: '🌱' });
  await api.addBlocks(owner, canvas_id, ['first', 'second']);
});

const links = (): string => `/api/v1/canvases/${canvas_id}/share-links`;
const share = async (body: object = {}): Promise<{ id: string; token: string }> => {
  const answer = await api.call(owner, 'POST', links(), body);
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
};
const read = (token: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.call(null, 'GET', `/api/v1/shared/${token}`, undefined, headers);
const open = (token: string, body: object): Promise<Answer> => api.call(null, 'POST', `/api/v1/shared/${token}`, body);
const workspaceOf = async (): Promise<string> =>
  (await api.call(owner, 'GET', `/api/v1/canvases/${canvas_id}`)).body.workspace_id;

/** Milliseconds this thread has computed: what others do on the machine does not count. */
function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** `end` tells the most that was computed without anybody else having a turn, in milliseconds. */
function watchTurns(): { end(): number } {
  let longest_ms = 0;
  let last_ms = cpuTime();
  const turn = (): void => {
    const now_ms = cpuTime();
    longest_ms = Math.max(longest_ms, now_ms - last_ms);
    last_ms = now_ms;
  };
  const turns = setInterval(turn, 1);
  return {
    end: () => {
      clearInterval(turns);
      turn();
      return longest_ms;
    },
  };
}

describe('a share link', () => {
  it('lets anybody read the canvas, in order, and tells of nothing else', async () => {
    const { token } = await share();
    const answer = await read(token);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body).toSorted()).toEqual(['attachments', 'blocks', 'icon', 'title']);
    expect(answer.body).toMatchObject({ title: 'Shared plans', icon: '🌱', attachments: [] });
    expect(answer.body.blocks.map((block: { content: { text: string } }) => block.content.text)).toEqual([
      'first',
      'second',
    ]);
    for (const block of answer.body.blocks) {
      expect(Object.keys(block).toSorted()).toEqual(['content', 'id', 'parent_id', 'rank', 'type']);
    }
    const told = `${answer.text} ${JSON.stringify(answer.headers)}`;
    for (const secret of [canvas_id, await workspaceOf(), owner.user_id, owner.email, 'Olga', 'Personal']) {
      expect(told).not.toContain(secret);
    }
  });

  it('with a thousand files keeps nobody waiting, and signs none twice', async () => {
    await backends.database.asOwner(
      `insert into app.attachments (workspace_id, canvas_id, id, object_key, name, media_type, size, status, created_by, ready_at)
      select $2, $1, app.uuidv7(), 'attachments/' || gen_random_uuid(), 'a.txt', 'text/plain', 5, 'ready', $3, now()
      from generate_series(1, 1000)`,
      [canvas_id, await workspaceOf(), owner.user_id],
    );
    await backends.database.asOwner(
      `insert into app.blocks (workspace_id, canvas_id, id, type, content, rank, created_by, updated_by)
      select workspace_id, canvas_id, app.uuidv7(), 'file', jsonb_build_object('attachment_id', id), 'z' || row_number() over (),
        created_by, created_by
      from app.attachments where canvas_id = $1`,
      [canvas_id],
    );
    const { token } = await share();
    const turns = watchTurns();
    const first = await read(token);
    const longest_ms = turns.end();
    expect(first.status, first.text).toBe(200);
    expect(first.body.attachments).toHaveLength(1_000);
    expect(longest_ms).toBeLessThan(150);
    const began_ms = cpuTime();
    const second = await read(token);
    expect(cpuTime() - began_ms).toBeLessThan(170);
    expect(second.status, second.text).toBe(200);
    expect(second.body.attachments).toEqual(first.body.attachments);
  });

  it('shows files that blocks name by signed addresses, and no others', async () => {
    const workspace_id = await workspaceOf();
    const seeded = { canvas_id, workspace_id, user_id: owner.user_id };
    const [shown, hidden] = [
      await seedAttachment(backends.database.db, seeded),
      await seedAttachment(backends.database.db, seeded),
    ];
    await backends.database.asOwner(
      `update app.attachments set status = 'ready', ready_at = now() where canvas_id = $1`,
      [canvas_id],
    );
    const url = `/api/v1/canvases/${canvas_id}/attachments/${shown.id}`;
    const ops = [{ op: 'create', type: 'image', content: { url } }];
    await api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/mutate`, { mutation_id: randomUUID(), ops });
    const { token } = await share();
    const answer = await read(token);
    expect(answer.body.attachments).toMatchObject([{ id: shown.id, url: expect.stringContaining('X-Amz-Signature') }]);
    expect(answer.text).not.toContain(hidden.id);
    expect(answer.text).not.toContain(canvas_id);
    expect(answer.text).not.toContain(workspace_id);
  });

  it('is to be asked again before each use, and answers 304 while nothing changed', async () => {
    const { token } = await share();
    const first = await read(token);
    expect(first.headers['cache-control']).toBe('private, no-cache');
    const tag = first.headers['etag'] ?? '';
    expect(await read(token, { 'if-none-match': tag })).toMatchObject({ status: 304, text: '' });
    await api.addBlocks(owner, canvas_id, ['third']);
    expect((await read(token, { 'if-none-match': tag })).status).toBe(200);
  });

  it('shows its token once, and is listed without it', async () => {
    const { token, id } = await share({ expires_at: '2999-01-01T00:00:00Z', password: 'open sesame' });
    const listed = await api.call(owner, 'GET', links());
    expect(listed.body.items).toMatchObject([
      {
        id,
        last_four: token.slice(-4),
        has_password: true,
        expired: false,
        expires_at: '2999-01-01T00:00:00Z',
        use_count: 0,
      },
    ]);
    expect(listed.text).not.toContain(token);
    const rows = await backends.database.asOwner<{ text: string }>(
      `select concat(s, (select string_agg(a::text, ' ') from app.audit_logs a where a.canvas_id = s.canvas_id)) as text
       from app.share_links s where s.canvas_id = $1`,
      [canvas_id],
    );
    expect(rows[0]?.text).toContain('share_link.create');
    expect(rows[0]?.text).not.toContain(token);
    expect(rows[0]?.text).not.toContain('sesame');
  });

  it('counts its uses', async () => {
    const { token } = await share();
    for (let n = 0; n < 3; n++) await read(token);
    const listed = await api.call(owner, 'GET', links());
    expect(listed.body.items).toMatchObject([{ use_count: 3, last_used_at: expect.any(String) }]);
  });

  it('is made once per Idempotency-Key, whose stored answer holds no token', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const ask = (body: object = {}) => api.call(owner, 'POST', links(), body, headers);
    const [first, again] = [await ask(), await ask()];
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await api.call(owner, 'GET', links())).body.items).toHaveLength(1);
    const [row] = await backends.database.asOwner<{ result: unknown }>(
      'select result from app.idempotency_keys where key = $1',
      [headers['idempotency-key']],
    );
    expect(JSON.stringify(row)).not.toContain(first.body.token);
    expect((await ask({ expires_at: '2999-01-01T00:00:00Z' })).status).toBe(422);
  });
});

describe('what lets nobody read', () => {
  /** All of an answer that may tell anything. */
  const face = ({ status, headers, body }: Answer): unknown => {
    const { 'x-request-id': _id, date: _date, ratelimit: _left, ...rest } = headers;
    return { status, headers: rest, body: { ...body, request_id: null, instance: null } };
  };

  it('is the same 404, whatever the reason', async () => {
    const reasons: Record<string, (link: { id: string; token: string }) => Promise<unknown>> = {
      revoked: ({ id }) => api.call(owner, 'DELETE', `${links()}/${id}`),
      expired: ({ id }) =>
        backends.database.asOwner(`update app.share_links set expires_at = now() where id = $1`, [id]),
      archived: () => api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/archive`),
      'a deleted workspace': async () =>
        backends.database.asOwner('update app.workspaces set deleted_at = now() where id = $1', [await workspaceOf()]),
    };
    const unknown = face(await read(randomBytes(32).toString('base64url')));
    expect(unknown).toMatchObject({ status: 404, body: { code: 'share_link.not_found' } });
    expect(face(await read('.'.repeat(43)))).toEqual(unknown);
    for (const [reason, end] of Object.entries(reasons)) {
      canvas_id = await api.makeCanvas(owner, { title: reason });
      const [plain, locked] = [await share(), await share({ password: 'open sesame' })];
      expect((await read(plain.token)).status).toBe(200);
      await end(plain);
      if (reason === 'revoked' || reason === 'expired') await end(locked);
      for (const { token } of [plain, locked]) {
        expect(face(await read(token)), reason).toEqual(unknown);
        expect(face(await open(token, { password: 'open sesame' })), reason).toMatchObject({ status: 404 });
      }
      await backends.database.asOwner('update app.workspaces set deleted_at = null');
    }
  });

  it('also where the workspace has switched sharing off', async () => {
    const { token } = await share();
    await backends.database.asOwner(
      `insert into app.workspace_settings (workspace_id, features) values ($1, '{"share_links": false}')
       on conflict (workspace_id) do update set features = excluded.features`,
      [await workspaceOf()],
    );
    expect((await read(token)).status).toBe(404);
    expect(await api.call(owner, 'POST', links(), {})).toMatchObject({
      status: 403,
      body: { code: 'feature.disabled' },
    });
    await backends.database.asOwner('delete from app.workspace_settings');
  });

  it('ends with its canvas', async () => {
    canvas_id = await api.makeCanvas(owner, {});
    const { token } = await share();
    expect((await api.call(owner, 'DELETE', `/api/v1/canvases/${canvas_id}?permanent=true`)).status).toBe(204);
    expect((await read(token)).status).toBe(404);
  });
});

describe('a password', () => {
  it('is asked for, checked, and never sent on', async () => {
    const { token } = await share({ password: 'open sesame' });
    expect(await read(token)).toMatchObject({ status: 403, body: { code: 'share_link.password_required' } });
    expect(await open(token, {})).toMatchObject({ status: 403, body: { code: 'share_link.password_required' } });
    expect(await open(token, { password: 'close' })).toMatchObject({
      status: 403,
      body: { code: 'share_link.password_wrong' },
    });
    const answer = await open(token, { password: 'open sesame' });
    expect(answer).toMatchObject({ status: 200, body: { title: 'Shared plans' } });
    expect(answer.headers['cache-control']).toBe('no-store');
    const plain = await share();
    expect((await open(plain.token, { password: 'anything' })).status).toBe(200);
    expect((await open(plain.token, { pass: 'x' })).status).toBe(400);
  });

  it('can be guessed at ten times', async () => {
    const { token } = await share({ password: 'open sesame' });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push((await open(token, { password: `guess ${n}` })).status);
    expect(statuses).toEqual([...Array(10).fill(403), 429, 429]);
    const right = await open(token, { password: 'open sesame' });
    expect(right).toMatchObject({ status: 429, body: { code: 'share_link.too_many_guesses' } });
    expect(Number(right.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('links of a canvas', () => {
  it('are for its admins; others may not, and strangers see no canvas', async () => {
    const [editor, admin, stranger] = await Promise.all([1, 2, 3].map(() => person(backends.issuer)));
    for (const [who, role] of [
      [editor, 'editor'],
      [admin, 'admin'],
    ] as const) {
      await api.call(who!, 'GET', '/api/v1/me');
      await api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/members`, { user_id: who!.user_id, role });
    }
    const { id } = await share();
    const ask = (who: Person | null): Promise<Answer[]> =>
      Promise.all([
        api.call(who, 'GET', links()),
        api.call(who, 'POST', links(), { password: 'four or more' }),
        api.call(who, 'DELETE', `${links()}/${id}`),
      ]);
    expect((await ask(editor!)).map(({ status }) => status)).toEqual([403, 403, 403]);
    expect((await ask(stranger!)).map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await ask(null)).map(({ status }) => status)).toEqual([401, 401, 401]);
    expect((await ask(admin!)).map(({ status }) => status)).toEqual([200, 201, 204]);
  });

  it('are refused what they cannot be', async () => {
    const post = (body: object) => api.call(owner, 'POST', links(), body);
    expect((await post({ expires_at: '2020-01-01T00:00:00Z' })).body.errors).toMatchObject([
      { pointer: '/expires_at' },
    ]);
    expect((await post({ password: 'abc' })).body.errors).toMatchObject([{ pointer: '/password' }]);
    expect((await post({ role: 'editor' })).body.errors).toMatchObject([{ pointer: '/role' }]);
    expect((await api.call(owner, 'DELETE', `${links()}/${randomUUID()}`)).body.code).toBe('share_link.not_found');
    await api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/archive`);
    expect((await post({})).body.code).toBe('canvas.archived');
  });
});
