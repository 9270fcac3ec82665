import { currentTraceparent } from '@potentia/config/telemetry';
import { withContext, type Tx } from '@potentia/db/context';
import {
  askWhatsappSession,
  migrateWhatsappSession,
  restoreWhatsappSession,
  type SessionRow,
} from '@potentia/db/whatsapp/session-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { asSession } from './as-session.ts';
import { connectSessionInput, migrateSessionInput, sessionRef, type WhatsappSession } from './session-schemas.ts';

/*
 * What admins ask of a session. Each is written down on the card and answered at once; the jobs carry it out, again and again
 * until it is done. All throw `whatsapp.session_not_found` and `workspace.forbidden`.
 */

type Answer = Promise<Once<WhatsappSession>>;
interface Asked {
  user_id: string;
  session_id: string;
  request_id: string;
  traceparent: string | null;
}

async function ask(
  ctx: UserCtx,
  operation: string,
  input: { session_id: string },
  work: (tx: Tx, asked: Asked) => Promise<SessionRow>,
): Answer {
  const { user_id } = ctx.actor;
  const asked = {
    ...{ user_id, session_id: input.session_id, request_id: ctx.request_id },
    traceparent: currentTraceparent() ?? null,
  };
  const { result, replayed } = await fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) => once(ctx, tx, operation, input, () => work(tx, asked))),
  );
  if (!replayed) publishOutboxHint(ctx);
  return { result: asSession(result), replayed };
}

/** A worker is to run it; `login`: how it is linked, should it not be. */
export function connectSession(ctx: UserCtx, input: z.input<typeof connectSessionInput>): Answer {
  const parsed = parseInput(connectSessionInput, input);
  const { login } = parsed;
  return ask(ctx, 'whatsapp_session.connect', parsed, (tx, asked) =>
    askWhatsappSession(tx, { ...asked, action: 'connect', login }),
  );
}

/** No worker is to run it; it stays linked. */
export const disconnectSession = (ctx: UserCtx, input: z.input<typeof sessionRef>): Answer =>
  ask(ctx, 'whatsapp_session.disconnect', parseInput(sessionRef, input), (tx, asked) =>
    askWhatsappSession(tx, { ...asked, action: 'disconnect', login: null }),
  );

/** The phone is to unlink it. */
export const logoutSession = (ctx: UserCtx, input: z.input<typeof sessionRef>): Answer =>
  ask(ctx, 'whatsapp_session.logout', parseInput(sessionRef, input), (tx, asked) =>
    askWhatsappSession(tx, { ...asked, action: 'logout', login: null }),
  );

/** Another worker is to run it. Throws `whatsapp.not_placed`, `worker.not_alive`. */
export function migrateSession(ctx: UserCtx, input: z.input<typeof migrateSessionInput>): Answer {
  const parsed = parseInput(migrateSessionInput, input);
  const { worker_id = null } = parsed;
  return ask(ctx, 'whatsapp_session.migrate', parsed, (tx, asked) =>
    migrateWhatsappSession(tx, { ...asked, worker_id }),
  );
}

/** Its credentials are to come back from the newest backup. Throws `whatsapp.connected`. */
export const restoreSession = (ctx: UserCtx, input: z.input<typeof sessionRef>): Answer =>
  ask(ctx, 'whatsapp_session.restore', parseInput(sessionRef, input), (tx, asked) => restoreWhatsappSession(tx, asked));
