import { enqueueMessage, type Enqueued, readProto } from '@potentia/db/wa/outbox-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { hashJson } from '@potentia/domain/platform/canonical-json';
import { newId } from '@potentia/domain/platform/uuid';
import type { SendMessageInput } from '@potentia/domain/whatsapp/schemas';
import { personOfAll } from '@potentia/domain/whatsapp/rules/jid';
import { outboundMessageId } from '@potentia/domain/whatsapp/rules/message-id';
import { proto, type WASocket } from '@whiskeysockets/baileys';
import type { WaWorkerContext } from '../context.ts';
import type { HeldSession, SessionPart } from '../session/parts.ts';
import { chatOf, listenForConfirmations } from './confirmations.ts';
import { createOutboundMetrics } from './outbound-metrics.ts';
import { Sender, SENDER_TIMINGS, type SenderCtx, type SenderTimings } from './sender.ts';
import { createUploadSweep } from './upload-sweep.ts';

/** Messages that may wait in a session. */
const QUEUE_LIMIT = 10_000;

export interface SendCommand {
  /** Fixes WhatsApp's id of the message. */
  idempotency_key: string;
  requested_by: string | null;
  request_id: string | null;
  traceparent: string | null;
  input: SendMessageInput;
}

export interface Outbound {
  part: SessionPart;
  /** Puts a message into the queue of a session, and has it sent. Throws what `enqueueMessage` throws. */
  enqueue(held: HeldSession, command: SendCommand): Promise<Enqueued>;
}

/** Everything that sessions send. */
export function createOutbound(
  context: Pick<WaWorkerContext, 'db' | 'objects' | 'config' | 'health' | 'log'>,
  timings: Partial<SenderTimings> = {},
): Outbound {
  const { db, objects, config, health, log } = context;
  const metrics = createOutboundMetrics(health.registry);
  const sweep = createUploadSweep({ db, objects, log });
  const sender_timings = { ...SENDER_TIMINGS, ...timings };
  const ctx: SenderCtx = { db, objects, config, metrics, sender_timings, onLook: () => void sweep(Date.now()) };
  const senders = new WeakMap<HeldSession, Sender>();
  const senderOf = (held: HeldSession): Sender => {
    const known = senders.get(held);
    if (known) return known;
    const sender = new Sender(ctx, held);
    senders.set(held, sender);
    return sender;
  };

  return {
    part: {
      name: 'outbound',
      socketOptions: (held) => ({
        // A phone could not read a message, and asks for it again.
        getMessage: async ({ id, remoteJid }) => {
          const kept =
            id && remoteJid ? await readProto(db, held.session_id, id, await chatAsked(held, remoteJid)) : null;
          return kept === null ? undefined : proto.Message.decode(Buffer.from(kept, 'base64'));
        },
      }),
      onSocket(sock, held) {
        const sender = senderOf(held);
        const { log } = held.state;
        forgetRecent(sock);
        listenForConfirmations(
          sock,
          ({ message_id, error }) => sender.acknowledged(message_id, error),
          (statuses) => void log.append({ statuses }),
        );
        sock.ev.on('connection.update', ({ reachoutTimeLock: lock }) => {
          if (lock?.isActive && lock.timeEnforcementEnds) sender.restrict(lock.timeEnforcementEnds);
          else if (lock && !lock.isActive) sender.restrict(null);
        });
      },
      onCaughtUp: (held) => senderOf(held).start(),
      onClosed: (held) => senderOf(held).stop(),
      stop: (held) => senderOf(held).settled(),
      onDropped(held) {
        senderOf(held).stop();
        senders.delete(held);
      },
    },

    async enqueue(held, { idempotency_key, input, ...asked }) {
      const { to, content, reply_to = null } = input;
      const enqueued = await fromDb(() =>
        enqueueMessage(db, held, {
          ...asked,
          id: newId(),
          message_id: outboundMessageId(held.session_id, idempotency_key),
          idempotency_key,
          request_hash: hashJson(input),
          to: to,
          content,
          reply_to,
          queue_limit: QUEUE_LIMIT,
        }),
      );
      const { message, chat_id, seq, is_new } = enqueued;
      if (is_new) senderOf(held).add({ id: message.id, chat_id, seq });
      return enqueued;
    },
  };
}

/**
 * Baileys remembers what a chat said lately, whoever said it, and sends that as the session's own to whoever asks for it again. What is
 * asked for again is in the queue's table, with where it went.
 */
function forgetRecent({ messageRetryManager: recent }: WASocket): void {
  if (recent) recent.getRecentMessage = () => undefined;
}

/** The chat in which somebody asks, by both ids of a person where they are known. */
async function chatAsked({ sock }: HeldSession, jid: string): Promise<ReturnType<typeof chatOf>> {
  const chat = chatOf(jid);
  if (chat.lid === undefined) return chat;
  return personOfAll(jid, await sock?.signalRepository.lidMapping.getPNForLID(jid));
}
