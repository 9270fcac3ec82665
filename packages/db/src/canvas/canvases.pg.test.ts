import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withContext } from '../context.ts';
import { addBlock, mutate } from '../testing/blocks.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { addCanvasAccess, addMember, seedBlock, seedCanvas, seedUser, seedWorkspace } from '../testing/seed.ts';
import * as canvases from './queries.ts';
import type { BlockRow, CanvasRow } from './rows.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const request = { request_id: 'test' };
const audits = (canvas_id: string) =>
  t.asOwner('select action, before, after, actor_user_id from app.audit_logs where canvas_id = $1 order by id', [
    canvas_id,
  ]);

test('a canvas is made in the personal space, or in a workspace by its members', async () => {
  const user = await seedUser(t.db);
  const input = { ...user, canvas_id: randomUUID(), title: 'Plans', icon: null, ...request };
  const personal = await canvases.createCanvas(t.db, input);
  expect(personal).toMatchObject({
    id: input.canvas_id,
    workspace_id: user.personal_workspace_id,
    title: 'Plans',
    version: 1,
    is_personal: true,
    role: 'owner',
    archived_at: null,
    created_by: user.user_id,
  });
  expect(await canvases.getCanvas(t.db, input)).toEqual(personal);
  expect(await canvases.getCanvasHeads(t.db, [input.canvas_id])).toMatchObject([{ seq: 0 }]);
  expect(await audits(input.canvas_id)).toMatchObject([{ action: 'canvas.create', after: { title: 'Plans' } }]);

  const workspace = await seedWorkspace(t.db);
  const create = ({ user_id }: { user_id: string }) =>
    canvases.createCanvas(t.db, { ...input, user_id, canvas_id: randomUUID(), workspace_id: workspace.workspace_id });
  expect(await create(await addMember(t.db, workspace))).toMatchObject({ role: 'editor', is_personal: false });
  await expect(create(await addMember(t.db, workspace, 'guest'))).rejects.toMatchObject({
    code: 'workspace.forbidden',
  });
  await expect(create(user)).rejects.toMatchObject({ code: 'workspace.not_found' });
});

test('the list holds what one may see in all workspaces, last changed first, page by page', async () => {
  const workspace = await seedWorkspace(t.db);
  const person = await addMember(t.db, workspace);
  const seen = [];
  for (let n = 0; n < 5; n++) seen.push(await seedCanvas(t.db, workspace));
  const invited = await seedCanvas(t.db);
  await addCanvasAccess(t.db, invited, 'viewer', person);
  await addCanvasAccess(t.db, seen[0]!, 'admin', person);
  const archived = await seedCanvas(t.db, workspace, { archived_at: '2026-01-01T00:00:00Z' });
  await seedCanvas(t.db);
  await canvases.updateCanvasMeta(t.db, {
    user_id: workspace.owner_user_id,
    canvas_id: seen[1]!.canvas_id,
    expected_version: null,
    patch: { title: 'touched' },
    ...request,
  });

  const list = async (include_archived: boolean): Promise<CanvasRow[]> => {
    const found: CanvasRow[] = [];
    for (let last: CanvasRow | undefined; ; last = found.at(-1)) {
      const page = await canvases.listCanvases(t.db, {
        user_id: person.user_id,
        include_archived,
        cursor_updated_at: last?.updated_at ?? null,
        cursor_id: last?.id ?? null,
        limit: 2,
      });
      found.push(...page);
      if (page.length < 2) return found;
    }
  };
  const ids = (rows: CanvasRow[]): string[] => rows.map((row) => row.id);
  const expected = [seen[1]!, invited, seen[4]!, seen[3]!, seen[2]!, seen[0]!].map((one) => one.canvas_id);
  const live = await list(false);
  expect(ids(live)).toEqual(expected);
  expect(live.map((row) => row.role)).toEqual(['editor', 'viewer', 'editor', 'editor', 'editor', 'admin']);
  expect(ids(await list(true)).toSorted()).toEqual([...expected, archived.canvas_id].toSorted());
});

test('title and icon change with version, event and audit; a stale expectation shows the canvas as it stands', async () => {
  const canvas = await seedCanvas(t.db);
  const update = (expected_version: number | null, patch: object) =>
    canvases.updateCanvasMeta(t.db, { ...canvas, expected_version, patch, ...request });
  const { canvas: changed, event } = await update(1, { title: 'New', icon: '🌱' });
  expect(changed).toMatchObject({ title: 'New', icon: '🌱', version: 2, role: 'owner' });
  const { role: _, ...shared } = changed;
  expect(JSON.parse(event!.frame)).toMatchObject({
    event: 'canvas.meta_changed',
    seq: 1,
    mutation_id: null,
    payload: { canvas: shared },
  });
  expect(event!.frame).not.toContain('"role"');
  expect(await canvases.getCanvasEvents(t.db, { ...canvas, after_seq: 0, limit: 9 })).toEqual([event]);
  await expect(update(1, { title: 'Late' })).rejects.toMatchObject({
    kind: 'precondition',
    meta: { current: changed },
  });
  expect((await update(null, { icon: null })).canvas).toMatchObject({ title: 'New', icon: null, version: 3 });
  await expect(update(null, { version: 9 })).rejects.toMatchObject({ kind: 'invalid', meta: { pointer: '/version' } });
  expect(await audits(canvas.canvas_id)).toMatchObject([
    { action: 'canvas.update', before: { title: 'Seeded canvas' }, after: { title: 'New' } },
    { action: 'canvas.update', before: { icon: '🌱' }, after: { icon: null } },
  ]);
  const viewer = await addCanvasAccess(t.db, canvas, 'commenter');
  const theirs = canvases.updateCanvasMeta(t.db, {
    ...canvas,
    ...viewer,
    expected_version: null,
    patch: {},
    ...request,
  });
  await expect(theirs).rejects.toMatchObject({ kind: 'forbidden' });
});

test('archiving and restoring: once each, and nothing can be changed in between', async () => {
  const canvas = await seedCanvas(t.db);
  const input = { ...canvas, ...request };
  const editor = await addCanvasAccess(t.db, canvas, 'editor');
  await expect(canvases.archiveCanvas(t.db, { ...input, ...editor })).rejects.toMatchObject({
    code: 'canvas.forbidden',
  });
  const archived = await canvases.archiveCanvas(t.db, input);
  expect(archived.canvas.archived_at).toMatch(/Z$/);
  expect(JSON.parse(archived.event!.frame)).toMatchObject({ event: 'canvas.archived', seq: 1 });
  expect(await canvases.archiveCanvas(t.db, input)).toEqual({ canvas: archived.canvas, event: null });
  const rename = canvases.updateCanvasMeta(t.db, { ...input, expected_version: null, patch: { title: 'x' } });
  await expect(rename).rejects.toMatchObject({ kind: 'conflict', code: 'canvas.archived' });
  const restored = await canvases.restoreCanvas(t.db, input);
  expect(restored.canvas.archived_at).toBeNull();
  expect(JSON.parse(restored.event!.frame)).toMatchObject({ event: 'canvas.restored', seq: 2 });
  expect((await canvases.restoreCanvas(t.db, input)).event).toBeNull();
});

test('a canvas goes for good when no live block remains, with its trash, events and invitations', async () => {
  const canvas = await seedCanvas(t.db);
  const editor = await addCanvasAccess(t.db, canvas, 'editor');
  const parent = await addBlock(t.db, canvas);
  await addBlock(t.db, canvas, { parent_id: parent.id });
  const remove = (user_id: string) => canvases.deleteCanvas(t.db, { ...canvas, user_id, ...request });
  await expect(remove(canvas.user_id)).rejects.toMatchObject({ kind: 'conflict', code: 'canvas.not_empty' });
  await mutate(t.db, canvas, [{ op: 'delete', block_id: parent.id, version: 1 }]);
  await expect(remove(editor.user_id)).rejects.toMatchObject({ code: 'canvas.forbidden' });
  await remove(canvas.user_id);
  for (const table of ['blocks', 'canvas_events', 'canvas_heads', 'canvas_access']) {
    expect(await t.asOwner(`select 1 from app.${table} where canvas_id = $1`, [canvas.canvas_id])).toEqual([]);
  }
  await expect(remove(canvas.user_id)).rejects.toMatchObject({ code: 'canvas.not_found' });
  expect((await audits(canvas.canvas_id)).at(-1)).toMatchObject({
    action: 'canvas.delete',
    before: { title: 'Seeded canvas' },
  });
});

test('access is given, changed and taken back at once, and the person hears of it through the outbox', async () => {
  const workspace = await seedWorkspace(t.db);
  const canvas = await seedCanvas(t.db, workspace);
  const person = await seedUser(t.db);
  const set = (role: 'admin' | 'editor' | 'viewer' | null, target_user_id = person.user_id, user_id = canvas.user_id) =>
    canvases.setCanvasAccess(t.db, { ...canvas, user_id, target_user_id, role, ...request });
  const role = () => canvases.getCanvasRole(t.db, { ...canvas, user_id: person.user_id });
  const version = async () => (await canvases.getCanvasHeads(t.db, [canvas.canvas_id]))[0]?.access_version;

  expect(await set('viewer')).toEqual({ changed: true });
  expect(await role()).toBe('viewer');
  expect(await set('viewer')).toEqual({ changed: false });
  await set('admin');
  expect(await version()).toBe(2);
  // An admin by invitation may invite in turn.
  const second = await seedUser(t.db);
  await set('editor', second.user_id, person.user_id);
  await expect(set('editor', person.user_id, second.user_id)).rejects.toMatchObject({ code: 'canvas.forbidden' });
  await set(null);
  expect(await role()).toBeNull();
  await expect(set(null)).rejects.toMatchObject({ kind: 'not_found', code: 'user.not_invited' });
  expect(await version()).toBe(4);

  await expect(set('editor', randomUUID())).rejects.toMatchObject({ kind: 'not_found', code: 'user.not_found' });
  await expect(set('viewer', canvas.user_id)).rejects.toMatchObject({ kind: 'conflict', code: 'canvas.owner_fixed' });
  await expect(set('owner' as never)).rejects.toMatchObject({ kind: 'invalid', code: 'canvas.role_invalid' });

  const told = await t.asOwner(
    `select topic, workspace_id, payload ->> 'type' as type, payload ->> 'role' as role, request_id from app.outbox where user_id = $1 order by id`,
    [person.user_id],
  );
  const row = {
    topic: 'me.deliver',
    workspace_id: canvas.workspace_id,
    type: 'canvas.access_changed',
    request_id: 'test',
  };
  expect(told).toEqual(['viewer', 'admin', null].map((given) => ({ ...row, role: given })));
  expect(await audits(canvas.canvas_id)).toMatchObject([
    { action: 'canvas.set_access', before: { role: null }, after: { role: 'viewer' }, actor_user_id: canvas.user_id },
    { after: { role: 'admin' } },
    { after: { role: 'editor' }, actor_user_id: person.user_id },
    { before: { role: 'admin' }, after: { role: null } },
  ]);
});

test('who is invited takes their own invitation back, whatever its role, and nobody else’s', async () => {
  const workspace = await seedWorkspace(t.db);
  const canvas = await seedCanvas(t.db, workspace);
  const leave = (user_id: string, target_user_id = user_id) =>
    canvases.setCanvasAccess(t.db, { ...canvas, user_id, target_user_id, role: null, ...request });
  const other = await addCanvasAccess(t.db, canvas, 'viewer');
  for (const role of ['viewer', 'commenter', 'editor', 'admin'] as const) {
    const { user_id } = await addCanvasAccess(t.db, canvas, role);
    if (role !== 'admin')
      await expect(leave(user_id, other.user_id)).rejects.toMatchObject({ code: 'canvas.forbidden' });
    expect(await leave(user_id)).toEqual({ changed: true });
    expect(await canvases.getCanvasRole(t.db, { ...canvas, user_id })).toBeNull();
    await expect(leave(user_id)).rejects.toMatchObject({ kind: 'not_found', code: 'canvas.not_found' });
    const told = await t.asOwner<{ user_id: string; role: string | null }>(
      `select user_id, payload ->> 'role' as role from app.outbox where payload ->> 'canvas_id' = $1`,
      [canvas.canvas_id],
    );
    expect(told.filter((row) => row.user_id === user_id)).toEqual([{ user_id, role: null }]);
    expect(told.filter((row) => row.user_id === canvas.user_id)).toEqual([]);
    expect((await audits(canvas.canvas_id)).at(-1)).toEqual({
      action: 'canvas.set_access',
      before: { role },
      after: { role: null },
      actor_user_id: user_id,
    });
  }
  expect(await canvases.getCanvasRole(t.db, { ...canvas, user_id: other.user_id })).toBe('viewer');
});

test('who has access from the workspace leaves the workspace instead; an invitation on top of it can be given back', async () => {
  const workspace = await seedWorkspace(t.db);
  const canvas = await seedCanvas(t.db, workspace);
  const leave = (user_id: string) =>
    canvases.setCanvasAccess(t.db, { ...canvas, user_id, target_user_id: user_id, role: null, ...request });
  await expect(leave(canvas.user_id)).rejects.toMatchObject({ kind: 'conflict', code: 'canvas.owner_fixed' });
  const { user_id } = await addMember(t.db, workspace, 'member');
  const refused = {
    kind: 'conflict',
    code: 'canvas.not_invited',
    message: expect.stringContaining('leave the workspace'),
  };
  await expect(leave(user_id)).rejects.toMatchObject(refused);
  await addCanvasAccess(t.db, canvas, 'admin', { user_id });
  expect(await leave(user_id)).toEqual({ changed: true });
  expect(await canvases.getCanvasRole(t.db, { ...canvas, user_id })).toBe('editor');
  await expect(leave(user_id)).rejects.toMatchObject(refused);
  for (const nobody of [await addMember(t.db, workspace, 'guest'), await seedUser(t.db)])
    await expect(leave(nobody.user_id)).rejects.toMatchObject({ kind: 'not_found', code: 'canvas.not_found' });
});

test('members: everybody by any path, with the highest role and where it comes from', async () => {
  const workspace = await seedWorkspace(t.db);
  const canvas = await seedCanvas(t.db, workspace);
  const admin = await addMember(t.db, workspace, 'admin');
  const member = await addMember(t.db, workspace, 'member');
  const guest = await addMember(t.db, workspace, 'guest');
  const invited = await addCanvasAccess(t.db, canvas, 'viewer');
  await addMember(t.db, workspace, 'guest');
  await addCanvasAccess(t.db, canvas, 'admin', member);
  await addCanvasAccess(t.db, canvas, 'commenter', guest);
  const members = await canvases.getCanvasMembersDetailed(t.db, { ...canvas, user_id: invited.user_id });
  const byId = new Map(members.map(({ user_id, role, source }) => [user_id, `${role} by ${source}`]));
  expect(byId).toEqual(
    new Map([
      [canvas.user_id, 'owner by owner'],
      [admin.user_id, 'admin by workspace'],
      [member.user_id, 'admin by invitation'],
      [guest.user_id, 'commenter by invitation'],
      [invited.user_id, 'viewer by invitation'],
    ]),
  );
  expect(members.every((one) => one.email?.includes('@') && one.name !== '')).toBe(true);
});

test('pages of blocks: every live block once, whatever the size of the page, the top level first and in order', async () => {
  const canvas = await seedCanvas(t.db);
  const [a, b] = [await seedBlock(t.db, canvas), await seedBlock(t.db, canvas)];
  for (let n = 0; n < 4; n++) await seedBlock(t.db, canvas, { parent_id: a.id });
  for (let n = 0; n < 3; n++) await seedBlock(t.db, canvas, { parent_id: b.id });
  await seedBlock(t.db, canvas);
  await seedBlock(t.db, canvas, { deleted_at: '2026-01-01T00:00:00Z' });
  const { blocks } = JSON.parse(await canvases.getCanvasSnapshot(t.db, canvas)) as { blocks: BlockRow[] };
  expect(blocks).toHaveLength(10);
  expect(blocks.slice(0, 3).every((block) => block.parent_id === null)).toBe(true);
  for (const limit of [1, 2, 3, 4, 7, 10, 50]) {
    const found: BlockRow[] = [];
    let cursor: string | undefined;
    do {
      const page = JSON.parse(await canvases.getBlocksPage(t.db, { ...canvas, cursor, limit })) as {
        items: BlockRow[];
        next_cursor: string | null;
      };
      expect(page.items.length).toBeLessThanOrEqual(limit);
      found.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(found, `pages of ${limit}`).toEqual(blocks);
  }
  expect(await canvases.getBlock(t.db, { ...canvas, block_id: a.id })).toEqual(
    blocks.find((block) => block.id === a.id),
  );
  for (const cursor of ['', 'nonsense', 'Li4', Buffer.from('x.y').toString('base64url')]) {
    await expect(canvases.getBlocksPage(t.db, { ...canvas, cursor, limit: 5 })).rejects.toMatchObject({
      kind: 'invalid',
      meta: { pointer: '/cursor' },
    });
  }
});

test('events older than what is kept cannot be had', async () => {
  const canvas = await seedCanvas(t.db);
  for (let n = 0; n < 3; n++) await addBlock(t.db, canvas);
  await t.asOwner('update app.canvas_heads set min_seq = 2 where canvas_id = $1', [canvas.canvas_id]);
  const read = (after_seq: number) => canvases.getCanvasEvents(t.db, { ...canvas, after_seq, limit: 10 });
  await expect(read(1)).rejects.toMatchObject({ kind: 'conflict', code: 'canvas.events_gone', meta: { min_seq: 2 } });
  expect((await read(2)).map((event) => event.seq)).toEqual([3]);
});

test('the hot paths read the rows that they answer, and no others', async () => {
  const canvas = await seedCanvas(t.db);
  await t.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), null, 'text', '{}', 'a' || lpad(i::text, 6, '0'), $3, $3 from generate_series(1, 3000) i`,
    [canvas.workspace_id, canvas.canvas_id, canvas.user_id],
  );
  await t.asOwner('analyze app.blocks');
  const { user_id, canvas_id } = canvas;
  const rowsRead = (text: string, params: unknown[]): Promise<number> =>
    withContext(t.db, canvas, async (tx) => {
      const read = async (): Promise<number> => {
        const [row] = await tx.call<{ n: number }>(
          `select seq_tup_read + idx_tup_fetch as n from pg_stat_xact_user_tables where relname = 'blocks'`,
        );
        return row?.n ?? 0;
      };
      const before = await read();
      await tx.call(text, params);
      return (await read()) - before;
    });
  const page = 'select app.get_blocks_page($1, $2, null, $3, 20)';
  // Often enough for Postgres to settle on one plan for all.
  for (let n = 0; n < 80; n++) expect(await rowsRead(page, [user_id, canvas_id, 'a001500'])).toBe(20);
  expect(await rowsRead('select app.get_block_gaps($1, $2, $3)', [user_id, canvas_id, [{ parent_id: null }]])).toBe(1);
  const append = { op: 'create', block_id: randomUUID(), type: 'text', content: {}, rank: 'b' };
  const apply = 'select * from app.apply_block_mutations($1, $2, $3, $4, $5, $6)';
  const params = (op: object) => [user_id, canvas_id, randomUUID(), 'h', [op], 'r'];
  expect(await rowsRead(apply, params(append))).toBeLessThan(5);
  expect(
    await rowsRead(apply, params({ op: 'edit', block_id: append.block_id, version: 1, content: {} })),
  ).toBeLessThan(5);
});
