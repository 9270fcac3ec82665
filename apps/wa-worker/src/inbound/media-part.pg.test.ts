import { randomBytes } from 'node:crypto';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import type { TestEvent } from '@potentia/db/testing/inbox';
import { proto } from '@whiskeysockets/baileys';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readRoutes } from '../commands/read-routes.ts';
import { sessionRoutes } from '../commands/session-routes.ts';
import { linkSession, startWorker, startWorkerWorld, type TestWorker, type WorkerWorld } from '../testing/worker.ts';
import { inboundPart } from './inbound-part.ts';
import { mediaPart } from './media-part.ts';
import { createInboundMetrics } from './metrics.ts';

const s3_url = (): string => world.objects.env['S3_ENDPOINT'] ?? '';

const MAX_BYTES = 50_000;

let world: WorkerWorld;
let worker: TestWorker;
beforeAll(async () => {
  world = await startWorkerWorld();
  world.whatsapp.trust();
  worker = await startWorker(world, {
    env: { WHATSAPP_MEDIA_MAX_BYTES: String(MAX_BYTES) },
    pieces(context) {
      const metrics = createInboundMetrics(context.health.registry);
      const timings = { poll_ms: 30, retry_ms: 20, upload_again_ms: 100 };
      return {
        parts: [inboundPart(context, metrics), mediaPart(context, metrics, timings)],
        routes: [sessionRoutes, readRoutes],
      };
    },
  });
}, 60_000);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

async function linked() {
  const { session_id, generation, phone } = await linkSession(world, worker);
  const anna = world.whatsapp.addPhone({ name: 'Anna' });
  const read = (path: string) =>
    worker.send<{ url: string; code: string }>({ method: 'GET', session_id, generation, path });
  return { session_id, phone, anna, read };
}

const untilMedia = (session_id: string, status: string) =>
  vi.waitFor(
    async () => {
      const [row] = await world.database.asOwner<{ payload: TestEvent }>(
        `select payload from wa.events where session_id = $1 and payload ->> 'change' = 'media'`,
        [session_id],
      );
      expect(row?.payload.message.media?.status).toBe(status);
      return row!.payload.message;
    },
    { timeout: 15_000, interval: 30 },
  );

const mediaRow = async (session_id: string) =>
  (
    await world.database.asOwner<{ attempts: number; error: string | null; object_key: string | null; status: string }>(
      'select attempts, error, object_key, status from wa.media where session_id = $1',
      [session_id],
    )
  )[0]!;

it('a file that is larger than what is kept is not fetched', async () => {
  const { session_id, phone, anna, read } = await linked();
  const { id } = await anna.send(phone.number, { kind: 'image', bytes: randomBytes(MAX_BYTES + 1) });
  await untilMedia(session_id, 'too_large');
  expect((await mediaRow(session_id)).object_key).toBeNull();
  const { status, body } = await read(`/messages/${id}/media`);
  expect([status, body.code]).toEqual([409, 'whatsapp.media_too_large']);
});

/** What a phone says of a file that it has uploaded. */
async function uploaded(bytes: Buffer): Promise<proto.Message.IImageMessage> {
  const { session_id, phone, anna } = await linked();
  await anna.send(phone.number, { kind: 'image', bytes });
  const text = `select proto from wa.messages where session_id = $1 and type = 'image'`;
  const row = await vi.waitFor(async () => {
    const [found] = await world.database.asOwner<{ proto: Buffer }>(text, [session_id]);
    expect(found).toBeDefined();
    return found!;
  });
  return proto.Message.decode(row.proto).imageMessage!;
}

it('a file that lies about its size ends on its way', async () => {
  const imageMessage = { ...(await uploaded(randomBytes(MAX_BYTES + 1))), fileLength: 10 };
  const { session_id, phone, anna } = await linked();
  await anna.send(phone.number, { kind: 'raw', message: { imageMessage } });
  await untilMedia(session_id, 'too_large');
  expect(await mediaRow(session_id)).toMatchObject({ object_key: null });
});

it('a file that is another than was said is not kept', async () => {
  const imageMessage = { ...(await uploaded(randomBytes(100))), fileSha256: randomBytes(32) };
  const { session_id, phone, anna, read } = await linked();
  const { id } = await anna.send(phone.number, { kind: 'raw', message: { imageMessage } });
  await untilMedia(session_id, 'failed');
  expect(await mediaRow(session_id)).toMatchObject({ error: 'corrupt', object_key: null, attempts: 1 });
  expect((await read(`/messages/${id}/media`)).body.code).toBe('whatsapp.media_failed');
});

it('a file that WhatsApp cannot give now is fetched later', async () => {
  const { session_id, phone, anna, read } = await linked();
  world.whatsapp.media.failWith(503);
  const bytes = randomBytes(2_000);
  const { id } = await anna.send(phone.number, { kind: 'document', bytes, file_name: 'a.pdf' });
  await vi.waitFor(async () => expect((await mediaRow(session_id)).attempts).toBeGreaterThan(1), { timeout: 10_000 });
  expect((await read(`/messages/${id}/media`)).body.code).toBe('whatsapp.media_pending');
  world.whatsapp.media.failWith(null);
  await untilMedia(session_id, 'stored');
  const { body } = await read(`/messages/${id}/media`);
  const answer = await fetch(body.url);
  expect(answer.headers.get('content-disposition')).toContain('a.pdf');
  expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
});

it('a file that WhatsApp has no more is asked for again', async () => {
  const { session_id, phone, anna } = await linked();
  world.whatsapp.media.failWith(404);
  await anna.send(phone.number, { kind: 'image', bytes: randomBytes(10) });
  await vi.waitFor(async () => expect((await mediaRow(session_id)).error).toBe('MediaExpiredError'), {
    timeout: 10_000,
  });
  world.whatsapp.media.failWith(null);
});

it('the file of a message that is deleted goes with it', async () => {
  const { session_id, phone, anna, read } = await linked();
  const { id } = await anna.send(phone.number, { kind: 'image', bytes: randomBytes(500), caption: 'regret' });
  await untilMedia(session_id, 'stored');
  const { object_key } = await mediaRow(session_id);
  const stored = () => worker.context.objects.head(object_key!);
  expect(await stored()).not.toBeNull();
  await anna.send(phone.number, { kind: 'delete', id });
  await vi.waitFor(async () => expect(await stored()).toBeNull(), { timeout: 10_000, interval: 30 });
  await vi.waitFor(async () =>
    expect(await mediaRow(session_id)).toMatchObject({ object_key: null, error: 'deleted' }),
  );
  expect((await read(`/messages/${id}/media`)).status).toBe(404);
});

it('a file that is on its way into storage when its session is deleted is not left there', async () => {
  await using far = await startFaultProxy({ target_host: '127.0.0.1', target_port: Number(new URL(s3_url()).port) });
  await using slow = await startWorker(world, { env: { S3_ENDPOINT: far.url(s3_url()).replace(/\/$/, '') } });
  const { session_id, phone } = await linkSession(world, slow);
  far.latency(300);
  await world.whatsapp.addPhone().send(phone.number, { kind: 'image', bytes: randomBytes(500) });
  const claimed = 'select id from wa.media where session_id = $1 and attempts > 0';
  const media_id = await vi.waitFor(
    async () => {
      const [row] = await world.database.asOwner<{ id: string }>(claimed, [session_id]);
      expect(row).toBeDefined();
      return row!.id;
    },
    { timeout: 10_000, interval: 10 },
  );
  await vi.waitFor(() => expect(far.flights()).toBeGreaterThan(0), { timeout: 10_000, interval: 1 });
  expect((await slow.send({ method: 'DELETE', session_id, generation: 1 })).status).toBe(204);
  // Until what was sent to storage has arrived there, and what was sent after it.
  await vi.waitFor(() => expect(slow.output()).toContain('a file went with its session'), { timeout: 10_000 });
  expect(await worker.context.objects.head(`whatsapp/media/${media_id}`)).toBeNull();
});
