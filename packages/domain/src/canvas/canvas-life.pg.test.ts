import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canvasChannel } from '../platform/bus.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx, recordBus } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { archiveCanvas } from './archive-canvas.ts';
import { createCanvas } from './create-canvas.ts';
import { deleteCanvas } from './delete-canvas.ts';
import { getBlock } from './get-block.ts';
import { getCanvas } from './get-canvas.ts';
import { getPermissions } from './get-permissions.ts';
import { leaveCanvas } from './leave-canvas.ts';
import { listBlocks } from './list-blocks.ts';
import { listCanvases } from './list-canvases.ts';
import { listMembers } from './list-members.ts';
import { mutateBlocks } from './mutate-blocks.ts';
import { publishPresence } from './publish-presence.ts';
import { restoreCanvas } from './restore-canvas.ts';
import * as schemas from './schemas.ts';
import { setAccess } from './set-access.ts';
import { updateCanvasMeta } from './update-canvas-meta.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const failsWith = (code: string, kind?: string) =>
  expect.objectContaining({ code, ...(kind ? { kind } : {}) }) as Error;

async function somebody(): Promise<UserCtx> {
  return personCtx(database.db, (await seedUser(database.db)).user_id);
}

async function ownCanvas(title = 'Plan'): Promise<{ ctx: UserCtx; canvas_id: string }> {
  const ctx = await somebody();
  const { result } = await createCanvas(ctx, { title });
  return { ctx, canvas_id: result.id };
}

describe('a canvas', () => {
  it('is made in the personal space, with the caller as owner', async () => {
    const ctx = await somebody();
    const { result } = await createCanvas(ctx, { title: 'Plan', icon: '🌱' });
    expect(schemas.canvas.parse(result)).toMatchObject({ title: 'Plan', icon: '🌱', role: 'owner', is_personal: true });
    expect(await getCanvas(ctx, { canvas_id: result.id })).toEqual(result);
  });

  it('is made in a workspace by a member, who edits it; not by a guest, nor by a stranger', async () => {
    const workspace = await seedWorkspace(database.db);
    const { workspace_id } = workspace;
    const member = personCtx(database.db, (await addMember(database.db, workspace)).user_id);
    const guest = personCtx(database.db, (await addMember(database.db, workspace, 'guest')).user_id);
    const { result } = await createCanvas(member, { workspace_id });
    expect(result).toMatchObject({ workspace_id, role: 'editor', is_personal: false, title: '' });
    await expect(createCanvas(guest, { workspace_id })).rejects.toThrow(failsWith('workspace.forbidden'));
    await expect(createCanvas(await somebody(), { workspace_id })).rejects.toThrow(failsWith('workspace.not_found'));
    await expect(getCanvas(guest, { canvas_id: result.id })).rejects.toThrow(failsWith('canvas.not_found'));
  });

  it('is listed page by page, last changed first, archived ones only when asked for', async () => {
    const ctx = await somebody();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await createCanvas(ctx, { title: `${i}` })).result.id);
    await archiveCanvas(ctx, { canvas_id: ids[2] as string });
    const read: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listCanvases(ctx, { limit: 3, ...(cursor ? { cursor } : {}) });
      read.push(...schemas.canvasPage.parse(page).items.map(({ id }) => id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(read).toEqual(ids.filter((_, i) => i !== 2));
    expect((await listCanvases(ctx, { include_archived: true })).items).toHaveLength(5);
    await expect(listCanvases(ctx, { cursor: 'nonsense' })).rejects.toThrow(failsWith('request.invalid'));
  });

  it('changes title and icon as one event, and not on a stale If-Match', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const bus = recordBus();
    const changed = await updateCanvasMeta({ ...ctx, bus }, { canvas_id, title: 'New', expected_version: 1 });
    expect(changed).toMatchObject({ title: 'New', version: 2, icon: null });
    expect(JSON.parse(bus.published[0]?.message.frame ?? '')).toMatchObject({
      event: 'canvas.meta_changed',
      seq: 1,
      payload: { canvas: { title: 'New' } },
    });
    await expect(updateCanvasMeta(ctx, { canvas_id, title: 'Late', expected_version: 1 })).rejects.toThrow(
      expect.objectContaining({ kind: 'precondition', meta: { current: changed } }) as Error,
    );
    await expect(updateCanvasMeta(ctx, { canvas_id })).rejects.toThrow(failsWith('request.invalid'));
  });

  it('is archived and restored, each once', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const bus = recordBus();
    const archived = await archiveCanvas({ ...ctx, bus }, { canvas_id });
    expect(archived.archived_at).not.toBeNull();
    expect(await archiveCanvas({ ...ctx, bus }, { canvas_id })).toEqual(archived);
    await expect(updateCanvasMeta(ctx, { canvas_id, title: 'x' })).rejects.toThrow(failsWith('canvas.archived'));
    expect((await getPermissions(ctx, { canvas_id })).can_write).toBe(false);
    expect((await restoreCanvas({ ...ctx, bus }, { canvas_id })).archived_at).toBeNull();
    expect(bus.published.map(({ message }) => message.seq)).toEqual([1, 2]);
  });

  it('is deleted for good only when no block is left; the trash does not count', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const bus = recordBus();
    const block_id = newId();
    const mutate = (...ops: schemas.BlockOpInput[]) => mutateBlocks(ctx, { canvas_id, mutation_id: newId(), ops });
    await mutate({ op: 'create', block_id, type: 'divider', content: {} });
    await expect(deleteCanvas({ ...ctx, bus }, { canvas_id })).rejects.toThrow(
      failsWith('canvas.not_empty', 'conflict'),
    );
    expect(bus.published).toEqual([]);
    await mutate({ op: 'delete', block_id, version: 1 });
    await deleteCanvas({ ...ctx, bus }, { canvas_id });
    expect(bus.published).toEqual([{ channel: canvasChannel(canvas_id), message: { kind: 'deleted', frame: '' } }]);
    await expect(getCanvas(ctx, { canvas_id })).rejects.toThrow(failsWith('canvas.not_found'));
  });

  it('pages its blocks, parents before children, and gives one', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const ids = Array.from({ length: 7 }, newId);
    const ops = ids.map((block_id, i): schemas.BlockOpInput => ({
      op: 'create',
      block_id,
      type: 'text',
      content: { text: `${i} "quoted"` },
      parent_id: i < 4 ? null : (ids[i % 3] as string),
    }));
    await mutateBlocks(ctx, { canvas_id, mutation_id: newId(), ops });
    const read: string[] = [];
    let cursor: string | null = null;
    do {
      const text = await listBlocks(ctx, { canvas_id, limit: 3, ...(cursor === null ? {} : { cursor }) });
      const page = schemas.blockPage.parse(JSON.parse(text));
      for (const { id, parent_id } of page.items) {
        expect(parent_id === null || read.includes(parent_id)).toBe(true);
        read.push(id);
      }
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect([...read].sort()).toEqual([...ids].sort());
    expect(schemas.block.parse(await getBlock(ctx, { canvas_id, block_id: ids[5] as string }))).toMatchObject({
      content: { text: '5 "quoted"' },
    });
    await expect(getBlock(ctx, { canvas_id, block_id: newId() })).rejects.toThrow(failsWith('block.not_found'));
    await expect(listBlocks(ctx, { canvas_id, cursor: 'nonsense' })).rejects.toThrow(failsWith('request.invalid'));
  });
});

describe('access to a canvas', () => {
  it('is given, changed and taken back by id, each time telling the hubs and the person', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const bus = recordBus();
    const invited = await somebody();
    const { user_id } = invited.actor;
    expect(await setAccess({ ...ctx, bus }, { canvas_id, user_id, role: 'viewer' })).toEqual({
      user_id,
      role: 'viewer',
    });
    expect((await getCanvas(invited, { canvas_id })).role).toBe('viewer');
    await setAccess({ ...ctx, bus }, { canvas_id, user_id, role: 'editor' });
    expect(await getPermissions(invited, { canvas_id })).toMatchObject({ role: 'editor', can_write: true });
    expect((await listCanvases(invited, {})).items.map(({ id }) => id)).toEqual([canvas_id]);
    await setAccess({ ...ctx, bus }, { canvas_id, user_id, role: null });
    // It is so already: nobody is told.
    await expect(setAccess({ ...ctx, bus }, { canvas_id, user_id, role: null })).rejects.toThrow(
      failsWith('user.not_invited', 'not_found'),
    );
    await expect(getCanvas(invited, { canvas_id })).rejects.toThrow(failsWith('canvas.not_found'));
    const told = { channel: canvasChannel(canvas_id), message: { kind: 'access', user_id, frame: '' } };
    expect(bus.published.filter(({ message }) => message.kind === 'access')).toEqual([told, told, told]);
    expect(bus.published.filter(({ channel }) => channel === 'outbox:hint')).toHaveLength(3);
  });

  it('is given back by whoever was invited, and open sockets are told at once', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const bus = recordBus();
    const invited = await somebody();
    const { user_id } = invited.actor;
    await setAccess(ctx, { canvas_id, user_id, role: 'viewer' });
    await setAccess({ ...invited, bus }, { canvas_id, user_id, role: null });
    await expect(getCanvas(invited, { canvas_id })).rejects.toThrow(failsWith('canvas.not_found'));
    expect(bus.published.map(({ channel, message }) => [channel, message.kind, message.user_id])).toEqual([
      [canvasChannel(canvas_id), 'access', user_id],
      ['outbox:hint', expect.anything(), undefined],
    ]);
    await expect(setAccess(ctx, { canvas_id, user_id: ctx.actor.user_id, role: null })).rejects.toThrow(
      failsWith('canvas.owner_fixed', 'conflict'),
    );
  });

  it('is seen by everyone on it, with one role per person', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const invited = await somebody();
    await setAccess(ctx, { canvas_id, user_id: invited.actor.user_id, role: 'commenter' });
    const members = schemas.memberList.shape.items.parse(await listMembers(invited, { canvas_id }));
    expect(members.map(({ user_id, role, source }) => ({ user_id, role, source }))).toEqual([
      { user_id: ctx.actor.user_id, role: 'owner', source: 'owner' },
      { user_id: invited.actor.user_id, role: 'commenter', source: 'invitation' },
    ]);
  });

  it('is not changed by editors, by strangers, for strangers, nor for the owner', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const [editor, stranger] = [await somebody(), await somebody()];
    const { user_id } = editor.actor;
    await setAccess(ctx, { canvas_id, user_id, role: 'editor' });
    await expect(setAccess(editor, { canvas_id, user_id, role: 'admin' })).rejects.toThrow(
      failsWith('canvas.forbidden'),
    );
    await expect(setAccess(stranger, { canvas_id, user_id, role: null })).rejects.toThrow(
      failsWith('canvas.not_found'),
    );
    await expect(setAccess(ctx, { canvas_id, user_id: newId(), role: 'viewer' })).rejects.toThrow(
      failsWith('user.not_found', 'not_found'),
    );
    await expect(setAccess(ctx, { canvas_id, user_id: ctx.actor.user_id, role: 'viewer' })).rejects.toThrow(
      failsWith('canvas.owner_fixed', 'conflict'),
    );
  });

  it('lets only those who see the canvas be seen on it', async () => {
    const { ctx, canvas_id } = await ownCanvas();
    const bus = recordBus();
    const stranger = await somebody();
    await publishPresence({ ...ctx, bus }, { canvas_id, cursor: { block_id: 'x', offset: 3 }, name: 'Ada' });
    await leaveCanvas({ ...ctx, bus }, { canvas_id });
    const { user_id } = ctx.actor;
    expect(bus.published.map(({ message }) => JSON.parse(message.frame) as unknown)).toEqual([
      {
        type: 'presence',
        session_id: user_id,
        user_id,
        name: 'Ada',
        cursor: { block_id: 'x', offset: 3 },
        selection: null,
      },
      { type: 'presence.left', session_id: user_id },
    ]);
    await expect(publishPresence(stranger, { canvas_id })).rejects.toThrow(failsWith('canvas.not_found'));
    await expect(leaveCanvas(stranger, { canvas_id })).rejects.toThrow(failsWith('canvas.not_found'));
    await expect(publishPresence(ctx, { canvas_id, cursor: 'x'.repeat(5_000) })).rejects.toThrow(
      failsWith('request.invalid'),
    );
  });
});
