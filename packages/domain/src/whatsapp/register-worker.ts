import { registerWhatsappWorker } from '@potentia/db/whatsapp/worker-queries';
import type { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { type RegisteredWorker, registerWorkerBody } from './worker-schemas.ts';

/**
 * A process that holds sessions is there. Under the name of another it takes that one's place: what it held is placed again at
 * once, as is whatever waits for a worker.
 */
export async function registerWorker(
  ctx: Pick<Ctx, 'db' | 'bus' | 'log' | 'request_id'> & { heartbeat_ms: number },
  input: z.input<typeof registerWorkerBody>,
): Promise<RegisteredWorker> {
  const worker = parseInput(registerWorkerBody, input);
  const { heartbeat_ms, request_id } = ctx;
  const { orphans, ...registered } = await fromDb(() =>
    registerWhatsappWorker(ctx.db, { ...worker, worker_id: newId(), heartbeat_ms, request_id }),
  );
  publishOutboxHint(ctx);
  ctx.log.info({ worker_id: registered.worker_id, name: worker.name, orphans }, 'a WhatsApp worker has registered');
  return registered;
}
