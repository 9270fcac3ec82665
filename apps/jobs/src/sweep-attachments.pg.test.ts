import { randomUUID } from 'node:crypto';
import { seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { createAttachment } from '@potentia/domain/canvas/create-attachment';
import { deleteAttachment } from '@potentia/domain/canvas/delete-attachment';
import { mutateBlocks } from '@potentia/domain/canvas/mutate-blocks';
import { sweepAttachments, type Swept } from '@potentia/domain/canvas/sweep-attachments';
import { AppError } from '@potentia/domain/platform/errors';
import { createExport } from '@potentia/domain/workspace/create-export';
import { getExport } from '@potentia/domain/workspace/get-transfer';
import { exportWorkspace } from '@potentia/domain/workspace/run-export';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FilesKit, startFilesKit } from './testing/files.ts';

const file = { name: 'notes.txt', media_type: 'text/plain', body: Buffer.from('hello') };

let kit: FilesKit;
let owner: string;
let workspace_id: string;
let canvas_id: string;
beforeEach(async () => {
  kit = await startFilesKit();
  ({ user_id: owner } = await seedUser(kit.database.db));
  ({ workspace_id } = await seedWorkspace(kit.database.db, { user_id: owner }));
  canvas_id = await kit.makeCanvas(owner, { workspace_id, title: 'files' });
});
afterEach(() => kit[Symbol.asyncDispose]());

const keys = (): string[] => kit.objects.store.keys(kit.objects.bucket).map(({ key }) => key);
const sweep = (): Promise<Swept> => sweepAttachments(kit.job_ctx);
/** As if everything had happened that much earlier. */
const age = async (interval: string): Promise<void> => {
  for (const column of ['created_at', 'checked_at', 'unreferenced_since', 'ready_at']) {
    await kit.database.asOwner(`update app.attachments set ${column} = ${column} - $1::interval`, [interval]);
  }
  for (const column of ['created_at', 'updated_at', 'expires_at']) {
    await kit.database.asOwner(`update app.transfers set ${column} = ${column} - $1::interval`, [interval]);
  }
  await kit.database.asOwner('update app.released_objects set due_at = due_at - $1::interval', [interval]);
};
const refer = async (attachment_id: string, canvas = canvas_id): Promise<{ block_id: string }> => {
  const { ops } = await mutateBlocks(kit.as(owner), {
    canvas_id: canvas,
    mutation_id: randomUUID(),
    ops: [{ op: 'create', type: 'file', content: { attachment_id } }],
  });
  const [made] = ops as { block: { id: string } }[];
  return { block_id: made!.block.id };
};
const rows = async (): Promise<number> =>
  (await kit.database.asOwner<{ n: number }>('select count(*)::int as n from app.attachments'))[0]!.n;

test('an upload that never came goes after a day, and what came late with it', async () => {
  await createAttachment(kit.as(owner), { canvas_id, name: 'x.txt', media_type: 'text/plain', size: 5 });
  await kit.attach(owner, canvas_id, file);
  await kit.database.asOwner(`update app.attachments set status = 'pending'`);
  await age('23 hours');
  expect(await sweep()).toMatchObject({ pending: 0, objects: 0 });
  await age('2 hours');
  expect(await sweep()).toMatchObject({ pending: 2 });
  await age('2 hours');
  expect(await sweep()).toMatchObject({ objects: 2 });
  expect([await rows(), keys()]).toEqual([0, []]);
});

test('a file that no block refers to goes after 30 days; one in use, or in the trash, stays', async () => {
  const [used, trashed, unused] = [
    await kit.attach(owner, canvas_id, file),
    await kit.attach(owner, canvas_id, file),
    await kit.attach(owner, canvas_id, file),
  ];
  await refer(used);
  const { block_id } = await refer(trashed);
  const ops = [{ op: 'delete' as const, block_id, version: 1 }];
  await mutateBlocks(kit.as(owner), { canvas_id, mutation_id: randomUUID(), ops });
  await age('2 days');
  expect(await sweep()).toMatchObject({ unreferenced: 0 });
  await age('29 days');
  expect(await sweep()).toMatchObject({ unreferenced: 0 });
  await age('2 days');
  expect(await sweep()).toMatchObject({ unreferenced: 1, objects: 0 });
  await age('2 hours');
  expect(await sweep()).toMatchObject({ objects: 1 });
  expect(keys()).toHaveLength(2);
  const left = await kit.database.asOwner<{ id: string }>('select id from app.attachments');
  expect(left.map(({ id }) => id).toSorted()).toEqual([used, trashed].toSorted());
  const audit = await kit.database.asOwner(
    `select actor_type, action, target_id from app.audit_logs where action = 'attachment.delete'`,
  );
  expect(audit).toEqual([{ actor_type: 'system', action: 'attachment.delete', target_id: unused }]);
});

test('a file that a block refers to again starts anew', async () => {
  const id = await kit.attach(owner, canvas_id, file);
  await age('2 days');
  await sweep();
  await age('29 days');
  await refer(id);
  await sweep();
  await age('29 days');
  expect(await sweep()).toMatchObject({ unreferenced: 0 });
  expect(keys()).toHaveLength(1);
});

test('the object of a copied file stays as long as one copy does', async () => {
  const id = await kit.attach(owner, canvas_id, file);
  const copy = await kit.makeCanvas(owner, { workspace_id, title: 'copy' });
  const copied = await kit.database.db.call('select app.copy_attachments($1, $2, $3) as count', [
    owner,
    canvas_id,
    copy,
  ]);
  expect(copied).toEqual([{ count: 1 }]);
  await deleteAttachment(kit.as(owner), { canvas_id, attachment_id: id });
  await age('2 days');
  expect(await sweep()).toMatchObject({ objects: 0 });
  expect(keys()).toHaveLength(1);
  await deleteAttachment(kit.as(owner), { canvas_id: copy, attachment_id: id });
  await age('2 days');
  expect(await sweep()).toMatchObject({ objects: 1 });
  expect(keys()).toEqual([]);
});

test('copies stay in their workspace, and need sight of the one canvas and an editor of the other', async () => {
  await kit.attach(owner, canvas_id, file);
  const stranger = await seedUser(kit.database.db);
  const elsewhere = await kit.makeCanvas(stranger.user_id, {
    workspace_id: stranger.personal_workspace_id,
    title: 'x',
  });
  const copy = (who: string, from: string, to: string): Promise<unknown> =>
    kit.database.db
      .call('select app.copy_attachments($1, $2, $3)', [who, from, to])
      .catch((error: unknown) => (error as { code: string }).code);
  expect(await copy(stranger.user_id, canvas_id, elsewhere)).toBe('canvas.not_found');
  expect(await copy(owner, canvas_id, elsewhere)).toBe('canvas.not_found');
  const own = await kit.makeCanvas(owner, {
    workspace_id: (await seedUser(kit.database.db, { user_id: owner })).personal_workspace_id,
    title: 'mine',
  });
  expect(await copy(owner, canvas_id, own)).toBe('canvas.other_workspace');
});

test.each([
  ['canvas', () => ['delete from app.canvases where id = $1', canvas_id] as const],
  ['workspace', () => ['delete from app.workspaces where id = $1', workspace_id] as const],
])('what is deleted with its %s leaves no object behind', async (_what, statement) => {
  await kit.attach(owner, canvas_id, file);
  await kit.attach(owner, canvas_id, file);
  const [text, id] = statement();
  await kit.database.asOwner(text, [id]);
  expect(await rows()).toBe(0);
  expect(await sweep()).toMatchObject({ objects: 0 });
  await age('2 days');
  expect(await sweep()).toMatchObject({ objects: 2 });
  expect(keys()).toEqual([]);
});

test('an object whose sweeper died is deleted by the next, and one that the store did not delete comes again', async () => {
  const id = await kit.attach(owner, canvas_id, file);
  await deleteAttachment(kit.as(owner), { canvas_id, attachment_id: id });
  await age('2 days');
  const { objects } = kit.context.ports;
  const failing = {
    ...objects,
    delete: () => Promise.reject(new AppError('unavailable', 'objects.unavailable', 'away')),
  };
  await expect(sweepAttachments({ ...kit.job_ctx, objects: failing })).rejects.toMatchObject({ kind: 'unavailable' });
  // Claimed: nobody takes it for a while.
  expect(await sweep()).toMatchObject({ objects: 0 });
  expect(keys()).toHaveLength(1);
  await age('11 minutes');
  expect(await sweep()).toMatchObject({ objects: 1 });
  expect(keys()).toEqual([]);
});

test('two sweepers at once delete each object once', async () => {
  for (let i = 0; i < 6; i++) {
    const id = await kit.attach(owner, canvas_id, file);
    await deleteAttachment(kit.as(owner), { canvas_id, attachment_id: id });
  }
  await age('2 days');
  const swept = await Promise.all([sweep(), sweep(), sweep()]);
  expect(swept.reduce((sum, { objects }) => sum + objects, 0)).toBe(6);
  expect(keys()).toEqual([]);
});

test('the zip of an export goes after a week; a transfer that nobody works on fails after an hour', async () => {
  const ctx = kit.as(owner);
  const { result } = await createExport(ctx, { workspace_id });
  const job = {
    outbox_id: randomUUID(),
    workspace_id,
    user_id: owner,
    traceparent: null,
    request_id: null,
    created_at: '',
  };
  await exportWorkspace(kit.job_ctx, { ...job, payload: { transfer_id: result.id } });
  const ref = { workspace_id, transfer_id: result.id };
  await age('6 days');
  await sweep();
  expect((await getExport(ctx, ref)).download).not.toBeNull();
  await age('2 days');
  await sweep();
  expect(await getExport(ctx, ref)).toMatchObject({ status: 'finished', download: null });
  await age('2 hours');
  expect(await sweep()).toMatchObject({ objects: 1 });
  expect(keys()).toEqual([]);

  const { result: stuck } = await createExport(ctx, { workspace_id });
  await age('23 hours');
  await sweep();
  expect((await getExport(ctx, { workspace_id, transfer_id: stuck.id })).status).toBe('queued');
  await kit.context.db.call('select * from app.claim_transfer($1)', [stuck.id]);
  await age('2 hours');
  await sweep();
  expect(await getExport(ctx, { workspace_id, transfer_id: stuck.id })).toMatchObject({
    status: 'failed',
    failure: { code: 'transfer.stalled' },
  });
  await createExport(ctx, { workspace_id });
});
