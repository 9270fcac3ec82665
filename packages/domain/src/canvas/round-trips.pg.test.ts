import { createDb, type Db } from '@potentia/db/client';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startFaultProxy, type FaultProxy } from '@potentia/db/testing/fault-proxy';
import { seedCanvas } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { getBlock } from './get-block.ts';
import { getCanvas } from './get-canvas.ts';
import { getSnapshot } from './get-snapshot.ts';
import { listBlocks } from './list-blocks.ts';
import { mutateBlocks } from './mutate-blocks.ts';
import type { BlockOpInput } from './schemas.ts';

let database: TestDatabase;
let proxy: FaultProxy;
let db: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  const { hostname, port } = new URL(database.app_url);
  proxy = await startFaultProxy({ target_host: hostname, target_port: Number(port) });
  db = createDb({
    url: proxy.url(database.app_url),
    pool_size: 1,
    timeout_ms: 10_000,
    prepare: true,
    application_name: 'test',
  });
});
afterAll(async () => {
  await db.end();
  await proxy.close();
  await database.drop();
});

it('asks Postgres once for a warm read or edit, twice for a new place', async () => {
  const { canvas_id, user_id } = await seedCanvas(database.db);
  const ctx: UserCtx = personCtx(db, user_id);
  const block_id = newId();
  let version = 0;
  const mutate = (op: BlockOpInput) => mutateBlocks(ctx, { canvas_id, mutation_id: newId(), ops: [op] });
  const create = (id: string) => mutate({ op: 'create', block_id: id, type: 'text', content: { text: '' } });
  const calls: Record<string, [number, () => Promise<unknown>]> = {
    create: [2, () => create(version === 0 ? block_id : newId())],
    edit: [1, () => mutate({ op: 'edit', block_id, version: ++version, content: { text: 'x' } })],
    move: [2, () => mutate({ op: 'move', block_id, version: ++version, after_id: null })],
    'get block': [1, () => getBlock(ctx, { canvas_id, block_id })],
    'get canvas': [1, () => getCanvas(ctx, { canvas_id })],
    snapshot: [1, () => getSnapshot(ctx, { canvas_id })],
    'page of blocks': [1, () => listBlocks(ctx, { canvas_id })],
  };
  // The first time each statement is prepared, which costs a round trip of its own.
  for (const [, call] of Object.values(calls)) await call();
  for (const [name, [trips, call]] of Object.entries(calls)) {
    proxy.reset_flights();
    await call();
    expect([name, proxy.flights()]).toEqual([name, trips]);
  }
});
