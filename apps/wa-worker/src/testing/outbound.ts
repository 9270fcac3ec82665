import { randomUUID } from 'node:crypto';
import type { SendMessageInput, WhatsappMessage } from '@potentia/domain/whatsapp/schemas';
import { vi } from 'vitest';
import type { WaWorkerPieces } from '../app.ts';
import type { WaWorkerContext } from '../context.ts';
import { inboundPart } from '../inbound/inbound-part.ts';
import { createInboundMetrics } from '../inbound/metrics.ts';
import { createOutbound } from '../outbound/outbound-part.ts';
import type { SenderTimings } from '../outbound/sender.ts';
import { groupRoutes } from '../commands/group-routes.ts';
import { sendRoutes } from '../commands/send-routes.ts';
import { sessionRoutes } from '../commands/session-routes.ts';
import { type Answer, linkSession, startWorker, type TestWorker, type WorkerWorld } from './worker.ts';

/** No pace but what a test is about. */
export const UNPACED = {
  WHATSAPP_MESSAGES_PER_MINUTE: '100000',
  WHATSAPP_COLD_PER_DAY: '10000',
  WHATSAPP_WARM_UP_DAYS: '0',
};

/** A worker whose queues are looked at often. */
export const startSendingWorker = (
  world: WorkerWorld,
  { env = UNPACED, timings = {} }: { env?: Record<string, string>; timings?: Partial<SenderTimings> } = {},
): Promise<TestWorker> =>
  startWorker(world, {
    env,
    pieces: (context) => pieces(context, { poll_ms: 100, retry_ms: 30, ...timings }),
  });

function pieces(context: WaWorkerContext, timings: Partial<SenderTimings>): WaWorkerPieces {
  const outbound = createOutbound(context, timings);
  const metrics = createInboundMetrics(context.health.registry);
  return {
    parts: [inboundPart(context, metrics), outbound.part],
    routes: [sessionRoutes, sendRoutes(outbound), groupRoutes],
  };
}

/** A linked session that sends. */
export async function startSession(world: WorkerWorld, worker: TestWorker) {
  const linked = await linkSession(world, worker);
  const call = <T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<Answer<T>> =>
    worker.send<T>({ ...linked, method, path, ...(body && { body }) });
  return {
    ...linked,
    call,
    send: (input: unknown, idempotency_key: string = randomUUID()) =>
      call<{ message: WhatsappMessage; is_new: boolean }>('POST', '/messages', { idempotency_key, input }),
    /** Queues it, which must work. */
    async sent(to: SendMessageInput['to'], content: object | string, more: object = {}): Promise<WhatsappMessage> {
      const shown = typeof content === 'string' ? { type: 'text', text: content } : content;
      const answer = await this.send({ to, content: shown, ...more });
      if (answer.status !== 202) throw new Error(`the worker answered ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body.message;
    },
    /** Announces, uploads and completes a file; its id. */
    async upload(kind: string, media_type: string, bytes: Buffer, file_name?: string): Promise<string> {
      const announced = { kind, media_type, size: bytes.length, file_name };
      const { body } = await call<{
        media: { media_id: string };
        upload: { url: string; headers: Record<string, string> };
      }>('POST', '/media', announced);
      const put = await fetch(body.upload.url, {
        method: 'PUT',
        headers: body.upload.headers,
        body: new Uint8Array(bytes),
      });
      if (!put.ok) throw new Error(`the upload was answered ${put.status}`);
      const done = await call('POST', `/media/${body.media.media_id}/complete`, {});
      if (done.status !== 200) throw new Error(JSON.stringify(done.body));
      return body.media.media_id;
    },
    /** The message as it is kept. */
    async read(id: string): Promise<WhatsappMessage> {
      const text = 'select wa.message_json(m) as message from wa.messages m where m.session_id = $1 and m.id = $2';
      const [row] = await world.database.asOwner<{ message: WhatsappMessage }>(text, [linked.session_id, id]);
      if (!row) throw new Error('there is no such message');
      return row.message;
    },
    /** Waits until a message of somebody else's is in the journal. */
    async received(message_id: string): Promise<void> {
      const text = 'select 1 from wa.messages where session_id = $1 and message_id = $2';
      await vi.waitFor(
        async () => {
          const rows = await world.database.asOwner(text, [linked.session_id, message_id]);
          if (rows.length === 0) throw new Error('it has not come');
        },
        { timeout: 10_000, interval: 20 },
      );
    },
    /** Waits until a message is so. */
    until(id: string, status: WhatsappMessage['status'], error_code?: string): Promise<WhatsappMessage> {
      return vi.waitFor(
        async () => {
          const message = await this.read(id);
          if (message.status !== status || (error_code !== undefined && message.error_code !== error_code))
            throw new Error(`it is ${message.status}, ${message.error_code}`);
          return message;
        },
        { timeout: 10_000, interval: 20 },
      );
    },
    held: () => {
      const held = worker.held(linked.session_id);
      if (!held) throw new Error('the session is not held');
      return held;
    },
  };
}
