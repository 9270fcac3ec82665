import { currentTraceparent, withTraceparent } from '@potentia/config/telemetry';
import {
  releaseWhatsappTurn,
  renewWhatsappTurn,
  settleWhatsappTurn,
  takeWhatsappTurn,
  type WhatsappTurnRow,
} from '@potentia/db/whatsapp/partner-queries';
import { z } from 'zod';
import { whileAway } from '../agent/store-end.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { id } from '../platform/schemas.ts';
import { newId } from '../platform/uuid.ts';
import { askPartner, givenUp, type PartnerReply } from './ask-partner.ts';
import type { HeldTurn, PartnerCtx } from './partner-ctx.ts';
import { partnerSends } from './partner-sends.ts';
import { keepTyping } from './keep-typing.ts';

/** The outbox topic of a chat in which a linked person has written something. */
export const WHATSAPP_TURN = 'whatsapp.turn';
export const answerChatPayload = z.object({ session_id: id, chat_id: id });

/** How long a process that fell silent keeps a message, and how often it says that it is there. */
const LEASE_MS = 10_000;
const RENEW_MS = 3_000;
/** Attempts that may fail in a way that nobody foresaw. */
const MAX_ATTEMPTS = 5;
/** Whoever waits has a job that looks again: the sweeper is for those that have none any more. */
const QUIET_MS = 60_000;

/**
 * Answers what waits in a chat, one message after the other, until there is none. Throws `whatsapp.turn_busy` while another process is at
 * it, and what an answer waits for (`unavailable`).
 */
export async function answerChat(
  ctx: PartnerCtx,
  { session_id, chat_id }: z.output<typeof answerChatPayload>,
): Promise<number> {
  for (let answered = 0; ; answered += 1) {
    const owner = newId();
    const row = await fromDb(() => takeWhatsappTurn(ctx.db, { session_id, chat_id, owner, lease_ms: LEASE_MS }));
    if (row === null) return answered;
    if ('busy_ms' in row)
      throw new AppError('unavailable', 'whatsapp.turn_busy', 'Another process answers this chat.', {
        retry_after_ms: Math.max(row.busy_ms, 100),
      });
    await withTraceparent(row.traceparent ?? undefined, () => answerOne(ctx, row, owner));
  }
}

async function answerOne(ctx: PartnerCtx, row: WhatsappTurnRow, owner: string): Promise<void> {
  const lost = new AbortController();
  const held: HeldTurn = { row, owner, signal: lost.signal };
  const renewal = setInterval(() => void renew(ctx, held, lost), RENEW_MS);
  const typing = keepTyping(ctx, row);
  try {
    await settle(ctx, held, await ask(ctx, held));
  } catch (error) {
    if (lost.signal.aborted) return;
    await release(ctx, held, error);
    throw error;
  } finally {
    clearInterval(renewal);
    typing.stop();
  }
}

/** What is wrong on our side is tried some times, and then said. */
async function ask(ctx: PartnerCtx, held: HeldTurn): Promise<PartnerReply> {
  try {
    return await askPartner(ctx, held);
  } catch (error) {
    const is_away = error instanceof AppError && (error.kind === 'unavailable' || error.kind === 'limit');
    if (is_away || held.signal.aborted || held.row.attempts < MAX_ATTEMPTS) throw error;
    ctx.log.error({ err: error, turn_id: held.row.id }, 'a message on WhatsApp could not be answered');
    return givenUp(held);
  }
}

/** Answer and end in one transaction: the message is answered when both are there. */
async function settle(ctx: PartnerCtx, { row, owner }: HeldTurn, reply: PartnerReply): Promise<void> {
  const { session_id, chat_id, message_id, to } = row;
  const { texts, key = `turn:${session_id}:${chat_id}:${message_id}`, ...end } = reply;
  const sends = partnerSends(ctx.sealer, { session_id, to, key, texts });
  const is_ours = await fromDb(() =>
    whileAway(() =>
      settleWhatsappTurn(ctx.db, {
        ...{ turn_id: row.id, owner, end, sends },
        request_id: row.request_id ?? ctx.request_id,
        traceparent: currentTraceparent() ?? null,
      }),
    ),
  );
  if (is_ours) publishOutboxHint(ctx);
  const seconds = (ctx.clock().getTime() - Date.parse(row.created_at)) / 1_000;
  ctx.partner_metrics.turnEnded({ outcome: is_ours ? end.status : 'dropped', seconds });
}

async function renew(ctx: PartnerCtx, { row, owner }: HeldTurn, lost: AbortController): Promise<void> {
  try {
    if (!(await renewWhatsappTurn(ctx.db, { turn_id: row.id, owner, lease_ms: LEASE_MS }))) lost.abort();
  } catch (err) {
    ctx.log.warn({ err, turn_id: row.id }, 'a message on WhatsApp could not be kept');
  }
}

async function release(ctx: PartnerCtx, { row, owner }: HeldTurn, error: unknown): Promise<void> {
  ctx.partner_metrics.turnWaits(error instanceof AppError ? error.code : 'internal');
  const quiet_ms = QUIET_MS + (error instanceof AppError ? (error.meta.retry_after_ms ?? 0) : 0);
  // Its lease ends by itself too.
  await releaseWhatsappTurn(ctx.db, { turn_id: row.id, owner, quiet_ms }).catch(() => undefined);
}
