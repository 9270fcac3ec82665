import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { createS3Objects } from '@potentia/domain/platform/adapters/s3';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStates, type TestStates } from '../testing/state.ts';
import { backUp, type BackupCtx, restore } from './backup.ts';

let t: TestStates;
let storage: TestObjects;
let ctx: BackupCtx;
beforeAll(async () => {
  [t, storage] = await Promise.all([startStates(), startObjects()]);
  const objects = createS3Objects({
    ...{ endpoint: storage.env['S3_ENDPOINT']!, public_endpoint: storage.env['S3_ENDPOINT']!, region: 'us-east-1' },
    ...{ bucket: storage.bucket, access_key_id: 'test', secret_access_key: 'test-secret', force_path_style: true },
    registry: new Registry(),
  });
  ctx = { db: t.db, objects, sealer: t.ctx.sealer };
});
afterAll(async () => {
  await Promise.all([t[Symbol.asyncDispose](), storage[Symbol.asyncDispose]()]);
});

async function paired() {
  const state = await t.open();
  state.createCreds().nextPreKeyId = 31;
  await state.log.append({
    creds: true,
    keys: { session: { a: { n: 1 } }, 'pre-key': { 30: { n: 30 } }, 'lid-mapping': { x: 'y' } },
  });
  return state;
}

/** The database lost the session; object storage did not. */
async function lose(session_id: string): Promise<void> {
  await t.database.asOwner('update wa.sessions set creds = null where session_id = $1', [session_id]);
}

test('a copy is restored on another worker: the device is the same, numbers of pre-keys are not given twice', async () => {
  const state = await paired();
  await backUp(ctx, state);
  await lose(state.session_id);
  const other = { session_id: state.session_id, worker_id: randomUUID(), generation: 2 };
  await expect(t.open(other)).rejects.toThrow('The credentials are lost');
  await restore(ctx, other);
  const again = await t.open(other);
  expect(again.creds!.noiseKey).toEqual(state.creds!.noiseKey);
  expect(again.creds!.nextPreKeyId).toBe(10_031);
  expect(await again.keys.get('pre-key', ['30'])).toEqual({ 30: { n: 30 } });
  // Both ends must agree on it, and an old one would read nothing.
  expect(await again.keys.get('session', ['a'])).toEqual({});
});

test('nothing is put over credentials that are there, by whoever does not hold the lease, or out of nothing', async () => {
  const state = await paired();
  await backUp(ctx, state);
  await expect(restore(ctx, state)).rejects.toMatchObject({ code: 'worker.credentials_present' });
  await lose(state.session_id);
  const stranger = { session_id: state.session_id, worker_id: randomUUID(), generation: 1 };
  await expect(restore(ctx, stranger)).rejects.toMatchObject({ code: 'lease.lost' });
  const fresh = await t.open();
  expect(await backUp(ctx, fresh)).toBeNull();
  await expect(restore(ctx, fresh)).rejects.toMatchObject({ code: 'worker.no_backup' });
});

test('the newest three copies are kept, one that cannot be read is passed over, and none shows a key', async () => {
  const state = await paired();
  for (let n = 0; n < 5; n++) await backUp(ctx, state);
  const prefix = `whatsapp/backups/${state.session_id}/`;
  const kept = await ctx.objects.list({ prefix, limit: 10 });
  expect(kept).toHaveLength(3);
  const newest = kept
    .map(({ key }) => key)
    .sort()
    .at(-1)!;
  await ctx.objects.put({ key: newest, media_type: 'application/gzip', body: Readable.from(['not gzip']) });
  await lose(state.session_id);
  const { object_key } = await restore(ctx, state);
  expect(kept.map(({ key }) => key)).toContain(object_key);
  expect(object_key).not.toBe(newest);
});
