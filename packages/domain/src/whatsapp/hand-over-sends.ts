import {
  settleWhatsappSend,
  sweepWhatsappSends,
  takeWhatsappSends,
  type WaitingSend,
} from '@potentia/db/whatsapp/door-queries';
import { withTraceparent } from '@potentia/config/telemetry';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { type Sealer, SealError } from '../platform/seal.ts';
import { openSend } from './sealed-send.ts';
import { type GatewayPorts, jobRoutes, sendToSession } from './session-route.ts';

/** The outbox topic of a session for which a message waits. */
export const WHATSAPP_SEND = 'whatsapp.send';
export const handOverPayload = z.object({ session_id: z.uuid() });
/** The queue of the look for what still waits. */
export const WHATSAPP_SWEEP_SENDS = 'whatsapp.sweep_sends';

const AT_ONCE = 20;
/** Sessions of one look, and of them those that are seen to at a time. */
const SESSIONS = 200;
const PARALLEL = 8;
/** What could not be handed over for a day is not sent any more: nobody expects it by then. */
const WAIT_MS = 86_400_000;
const KEEP_MS = 7 * 86_400_000;

export type HandOverCtx = Pick<Ctx, 'db' | 'log'> & GatewayPorts & { sealer: Sealer };

/**
 * Hands what waits for a session over to its worker, one after the other. What the worker refuses has failed. What it cannot take now
 * waits on, with all that comes after it, for the next look. Running twice hands nothing over twice: the key is the same.
 */
export async function handOverSends(ctx: HandOverCtx, { session_id }: { session_id: string }): Promise<number> {
  let handed = 0;
  for (;;) {
    const sends = await fromDb(() => takeWhatsappSends(ctx.db, { session_id, limit: AT_ONCE }));
    if (sends.length === 0) return handed;
    for (const send of sends) {
      const outcome = await withTraceparent(send.traceparent ?? undefined, () => handOver(ctx, session_id, send));
      if (outcome.waits) return handed;
      await fromDb(() => settleWhatsappSend(ctx.db, { send_id: send.id, error_code: outcome.error_code }));
      handed += 1;
    }
  }
}

/** `error_code` null: taken. Else why it never will be. */
type Outcome = { waits: true } | { waits: false; error_code: string | null };

async function handOver(ctx: HandOverCtx, session_id: string, send: WaitingSend): Promise<Outcome> {
  const request_id = send.request_id ?? send.id;
  try {
    const { idempotency_key, message } = openSend(ctx.sealer, { session_id, request: send.request });
    const body = { idempotency_key, requested_by: send.requested_by, request_id, input: message };
    await sendToSession(jobRoutes(ctx), session_id, { method: 'POST', path: '/messages', body, request_id });
    return { waits: false, error_code: null };
  } catch (error) {
    if (error instanceof SealError) return { waits: false, error_code: 'whatsapp.unsendable' };
    if (!(error instanceof AppError)) throw error;
    const waits = error.kind === 'unavailable' || error.kind === 'limit';
    return waits ? { waits } : { waits, error_code: error.code };
  }
}

/** Looks for what waits although somebody holds its session, and gives up what has waited for too long. */
export async function sweepSends(ctx: HandOverCtx): Promise<void> {
  const sessions = await fromDb(() =>
    sweepWhatsappSends(ctx.db, { wait_ms: WAIT_MS, keep_ms: KEEP_MS, limit: SESSIONS }),
  );
  const work = async (): Promise<void> => {
    for (let session_id = sessions.pop(); session_id !== undefined; session_id = sessions.pop())
      await handOverSends(ctx, { session_id });
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}
