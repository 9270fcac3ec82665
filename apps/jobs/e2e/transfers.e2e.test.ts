import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { spawnService } from '@potentia/config/testing/spawn-service';
import { seedWorkspace } from '@potentia/db/testing/seed';
import { listCanvases } from '@potentia/domain/canvas/list-canvases';
import { createExport } from '@potentia/domain/workspace/create-export';
import { createImport } from '@potentia/domain/workspace/create-import';
import { getExport, getImport } from '@potentia/domain/workspace/get-transfer';
import { startImport } from '@potentia/domain/workspace/start-import';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FilesKit, send, startFilesKit } from '../src/testing/files.ts';
import { readZip } from '../src/testing/zip.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');
const CANVASES = 60;

let kit: FilesKit;
beforeAll(async () => {
  kit = await startFilesKit();
});
afterAll(() => kit[Symbol.asyncDispose]());

const start = () => spawnService({ main, env: { ...kit.env, LOG_LEVEL: 'info' } });

test('kill -9 in the middle of an export and of its import: both finish, whole, and nothing is there twice', async () => {
  const home = await seedWorkspace(kit.database.db);
  const { owner_user_id: owner, workspace_id } = home;
  const ctx = kit.as(owner);
  for (let i = 0; i < CANVASES; i++) {
    const canvas_id = await kit.makeCanvas(owner, { workspace_id, title: `canvas ${i}` }, [
      { op: 'create', type: 'text', content: { text: `text ${i}` } },
    ]);
    const body = Buffer.concat([PNG, randomBytes(200_000)]);
    await kit.attach(owner, canvas_id, { name: `${i}.png`, media_type: 'image/png', body });
  }

  const half = async (read: () => Promise<{ status: string; done: number }>, least: number): Promise<void> => {
    await using service = await start();
    await vi.waitFor(
      async () => {
        const { status, done } = await read();
        expect(status).toBe('running');
        expect(done).toBeGreaterThanOrEqual(least);
      },
      { timeout: 20_000, interval: 5 },
    );
    await service.kill();
  };
  const finished = <T extends { status: string }>(read: () => Promise<T>): Promise<T> =>
    vi.waitFor(
      async () => {
        const transfer = await read();
        expect(transfer.status).toBe('finished');
        return transfer;
      },
      { timeout: 30_000, interval: 50 },
    );

  const { result: asked } = await createExport(ctx, { workspace_id });
  const readExport = () => getExport(ctx, { workspace_id, transfer_id: asked.id });
  await half(readExport, 1);
  expect((await readExport()).download).toBeNull();
  await using service = await start();
  const made = await finished(readExport);
  const zip = Buffer.from(await (await fetch(made.download!.url)).arrayBuffer());
  expect([...(await readZip(zip)).keys()]).toHaveLength(2 * CANVASES + 1);
  await service.stop();

  const target = await seedWorkspace(kit.database.db, { user_id: owner });
  const { result: announced } = await createImport(ctx, { workspace_id: target.workspace_id, size: zip.length });
  await send(announced.upload, zip);
  const ref = { workspace_id: target.workspace_id, transfer_id: announced.import.id };
  await startImport(ctx, ref);
  const readImport = () => getImport(ctx, ref);
  await half(readImport, 1);
  await using _last = await start();
  expect(await finished(readImport)).toMatchObject({ problems: [], done: 2 * CANVASES, total: 2 * CANVASES });

  const { items } = await listCanvases(ctx, { limit: 200 });
  const titles = items.filter((canvas) => canvas.workspace_id === target.workspace_id).map(({ title }) => title);
  expect(titles.toSorted()).toEqual(Array.from({ length: CANVASES }, (_, i) => `canvas ${i}`).toSorted());
  const [counts] = await kit.database.asOwner(
    `select (select count(*)::int from app.blocks where workspace_id = $1) as blocks,
       (select count(*)::int from app.attachments where workspace_id = $1 and status = 'ready') as files`,
    [target.workspace_id],
  );
  expect(counts).toEqual({ blocks: CANVASES, files: CANVASES });
});
