import { beatWhatsappWorker } from '@potentia/db/whatsapp/worker-queries';
import type { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { type BeatAnswer, beatInput } from './worker-schemas.ts';

/**
 * A worker lives, and holds these sessions. It is told which are another's by now; what it should hold and does not is commanded
 * again. Throws `worker.unknown`: it has to register again.
 */
export async function beatWorker(
  ctx: Pick<Ctx, 'db' | 'bus' | 'log' | 'request_id'>,
  input: z.input<typeof beatInput>,
): Promise<BeatAnswer> {
  const beat = parseInput(beatInput, input);
  const { woken, ...answer } = await fromDb(() => beatWhatsappWorker(ctx.db, { ...beat, request_id: ctx.request_id }));
  if (woken > 0) publishOutboxHint(ctx);
  if (woken > 0 || answer.lost.length > 0)
    ctx.log.info(
      { worker_id: beat.worker_id, woken, lost: answer.lost.length },
      'a WhatsApp worker holds other sessions than it should',
    );
  return answer;
}
