import type { WhatsappTurnRow } from '@potentia/db/whatsapp/partner-queries';
import type { PartnerCtx } from './partner-ctx.ts';
import { jobRoutes, sendToSession } from './session-route.ts';

/** A phone forgets that somebody types after some seconds more than this. */
const EVERY_MS = 8_000;
const TIMEOUT_MS = 2_000;

/** Shows a chat that its answer is being written, until it is stopped. Nobody waits for this, and nothing fails with it. */
export function keepTyping(ctx: PartnerCtx, { session_id, to, id, request_id }: WhatsappTurnRow): { stop(): void } {
  const show = (state: 'composing' | 'paused'): void =>
    void sendToSession(jobRoutes(ctx), session_id, {
      ...{ method: 'POST', path: '/typing', body: { to, state } },
      ...{ request_id: request_id ?? id, timeout_ms: TIMEOUT_MS },
    }).catch((err: unknown) => ctx.log.debug({ err, session_id }, 'typing is not shown'));
  show('composing');
  const timer = setInterval(() => show('composing'), EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      show('paused');
    },
  };
}
