import { drainWhatsappWorker, listWhatsappWorkers } from '@potentia/db/whatsapp/worker-queries';
import type { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import type { WorkerClient } from './worker-client.ts';
import { type Worker, workerRef } from './worker-schemas.ts';

type WorkersCtx = Pick<Ctx, 'db' | 'bus' | 'request_id'>;

/** Every worker, by name, with how it is. */
export const listWorkers = (ctx: Pick<WorkersCtx, 'db'>): Promise<(Worker & { placed: number })[]> =>
  fromDb(() => listWhatsappWorkers(ctx.db));

/** It gets no more sessions, and those it has move to others. Throws `worker.not_found`. */
export async function drainWorker(ctx: WorkersCtx, input: z.input<typeof workerRef>): Promise<Worker> {
  const { worker_id } = parseInput(workerRef, input);
  const drained = await fromDb(() => drainWhatsappWorker(ctx.db, { worker_id, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
  return drained;
}

/**
 * Asks a worker that is alive for what all of them share, such as webhooks that could not be delivered. Throws `worker.none`, and
 * what `WorkerClient` throws.
 */
export async function askAnyWorker<T>(
  ctx: Pick<WorkersCtx, 'db' | 'request_id'> & { worker: WorkerClient },
  request: { method: 'GET' | 'POST'; path: string; query?: Record<string, string | number | undefined>; body?: object },
): Promise<T> {
  let failure = new AppError('unavailable', 'worker.none', 'No worker is alive', { retry_after_ms: 5_000 });
  for (const { id: worker_id, url, health } of await listWorkers(ctx)) {
    if (health !== 'good') continue;
    try {
      return await ctx.worker.ask<T>({ ...request, worker: { worker_id, url }, request_id: ctx.request_id });
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'unavailable') throw error;
      failure = error;
    }
  }
  throw failure;
}
