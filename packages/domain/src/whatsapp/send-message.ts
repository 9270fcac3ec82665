import { currentTraceparent } from '@potentia/config/telemetry';
import {
  openWhatsappSend,
  queueWhatsappSend,
  type DoorSession,
  type SendState,
} from '@potentia/db/whatsapp/door-queries';
import type { z } from 'zod';
import { hashJson } from '../platform/canonical-json.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import type { Sealer } from '../platform/seal.ts';
import { newId } from '../platform/uuid.ts';
import { audit, type DoorCtx } from './door-ctx.ts';
import { sendMessageRef, type WhatsappMessageAnswer } from './door-schemas.ts';
import { outboundMessageId } from './rules/message-id.ts';
import type { SendMessageInput, WhatsappMessage } from './schemas.ts';
import { sealSend } from './sealed-send.ts';
import { personRoutes, sendToSession } from './session-route.ts';

/** Messages of one session that may wait for a worker here. */
const MAX_WAITING = 1_000;
/** Milliseconds for a worker to take a message; then it waits here, and is handed over under the same key. */
const TAKE_TIMEOUT_MS = 2_000;

export type SendCtx = DoorCtx & { sealer: Sealer };

interface Sending {
  session_id: string;
  message_id: string;
  idempotency_key: string;
  message: SendMessageInput;
}

/**
 * Has a session send something; answered when it is kept where nothing loses it, by its worker or, when that cannot take it now or
 * others wait already, here. The client's `Idempotency-Key` fixes WhatsApp's id: the same again is the same message.
 * Throws `whatsapp.session_not_found`, `whatsapp.not_connected` for a session that is to send nothing, `whatsapp.key_reused`,
 * `whatsapp.queue_full`, and what the worker refuses (`whatsapp.chat_not_found`, `whatsapp.media_not_found`, …).
 */
export async function sendMessage(
  ctx: SendCtx,
  input: z.input<typeof sendMessageRef>,
): Promise<{ answer: WhatsappMessageAnswer; replayed: boolean }> {
  const { session_id, ...message } = parseInput(sendMessageRef, input);
  const idempotency_key = ctx.idempotency_key ?? newId();
  const message_id = outboundMessageId(session_id, idempotency_key);
  const sending = { session_id, message_id, idempotency_key, message };
  const { user_id } = ctx.actor;
  const opened = await fromDb(() => openWhatsappSend(ctx.db, { user_id, session_id, message_id }));
  if (opened.known) {
    if (opened.known.request_hash !== hashJson(message)) throw keyReused();
    return { answer: waitingAnswer(sending, opened.known), replayed: true };
  }
  checkConnected(opened.session);
  if (opened.is_waiting) return queue(ctx, sending);
  try {
    return await handOver(ctx, sending, opened.session.generation);
  } catch (error) {
    // Whether it was taken or not: under the same key it is one message.
    if (error instanceof AppError && error.kind === 'unavailable') return queue(ctx, sending);
    throw error;
  }
}

async function handOver(
  ctx: SendCtx,
  { session_id, message_id, idempotency_key, message }: Sending,
  generation: number,
): Promise<{ answer: WhatsappMessageAnswer; replayed: boolean }> {
  const { request_id } = ctx;
  const taken = await sendToSession<{ message: WhatsappMessage; is_new: boolean }>(
    personRoutes(ctx),
    session_id,
    {
      method: 'POST',
      path: '/messages',
      body: { idempotency_key, requested_by: ctx.actor.user_id, request_id, input: message },
      request_id,
      timeout_ms: TAKE_TIMEOUT_MS,
    },
    generation,
  );
  if (taken.is_new) await audit(ctx, session_id, 'whatsapp_message.send', { message_id });
  return { answer: messageAnswer(taken.message), replayed: !taken.is_new };
}

async function queue(ctx: SendCtx, sending: Sending): Promise<{ answer: WhatsappMessageAnswer; replayed: boolean }> {
  const { session_id, message_id, idempotency_key, message } = sending;
  const state = await fromDb(() =>
    queueWhatsappSend(ctx.db, {
      user_id: ctx.actor.user_id,
      session_id,
      send_id: newId(),
      message_id,
      request: sealSend(ctx.sealer, { session_id, idempotency_key, message }),
      request_hash: hashJson(message),
      limit: MAX_WAITING,
      request_id: ctx.request_id,
      traceparent: currentTraceparent() ?? null,
    }),
  );
  publishOutboxHint(ctx);
  return { answer: waitingAnswer(sending, state), replayed: !state.is_new };
}

/** What a worker knows of a message. */
export const messageAnswer = (message: WhatsappMessage): WhatsappMessageAnswer => {
  const { session_id, message_id, status, error_code } = message;
  return { session_id, message_id, status, error_code, message };
};

/** What is known here of a message that no worker has. */
export const waitingAnswer = (
  { session_id, message_id }: Pick<Sending, 'session_id' | 'message_id'>,
  { status, error_code }: SendState,
): WhatsappMessageAnswer => ({
  session_id,
  message_id,
  status: status === 'waiting' ? 'queued' : 'failed',
  error_code,
  message: null,
});

/** Ended by WhatsApp, or never linked: whatever is sent would wait for somebody to link it again. */
const ENDED = new Set(['created', 'logged_out', 'banned', 'replaced', 'failed']);

function checkConnected({ status, status_reason, desired_state, phone }: DoorSession): void {
  if (desired_state === 'connected' && phone !== null && !ENDED.has(status)) return;
  throw new AppError('conflict', 'whatsapp.not_connected', 'This session is not connected to WhatsApp.', {
    current: { status, status_reason, desired_state },
  });
}

const keyReused = (): AppError =>
  new AppError('conflict', 'whatsapp.key_reused', 'This Idempotency-Key was used for another message.', {
    errors: [{ pointer: '/headers/idempotency-key', message: 'Was used for another message' }],
  });
