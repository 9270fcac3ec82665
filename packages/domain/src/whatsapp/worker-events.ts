import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';
import {
  messageId,
  outbound_statuses,
  session_statuses,
  whatsappChat,
  whatsappMedia,
  whatsappMessage,
} from './schemas.ts';

/*
 * What a worker tells the API: `POST /api/webhooks/{kind}`, signed by the Standard Webhooks specification with the workers' own
 * secret. One request carries events of one session, in their order; each counts once, by its `event_id`.
 */

export const worker_event_kinds = ['session-status', 'message-status', 'message-inbound', 'session-usage'] as const;
export type WorkerEventKind = (typeof worker_event_kinds)[number];

const of = { session_id: id, generation: z.int().min(0) };

export const sessionStatusEvent = z.strictObject({
  ...of,
  status: z.enum(session_statuses),
  reason: z.string().max(200).nullable(),
  close_code: z.int().nullable(),
  phone: z.string().nullable(),
  lid: z.string().nullable(),
  profile_name: z.string().nullable(),
  qr: z
    .strictObject({ serial: z.int(), expires_at: timestamp })
    .nullable()
    .describe('That there is a QR code, which is in Redis alone'),
  at: timestamp,
});
export type SessionStatusEvent = z.output<typeof sessionStatusEvent>;

export const messageInboundEvent = z.strictObject({
  ...of,
  change: z
    .enum(['new', 'resolved', 'edited', 'deleted', 'media'])
    .describe('resolved: content of a message that could not be read before'),
  message: whatsappMessage,
});
export type MessageInboundEvent = z.output<typeof messageInboundEvent>;

export const messageStatusEvent = z.strictObject({
  ...of,
  id,
  message_id: messageId,
  chat: whatsappChat,
  status: z.enum(outbound_statuses),
  error_code: z.string().nullable(),
  media: whatsappMedia.nullable(),
  requested_by: id.nullable(),
  request_id: z.string().nullable(),
  at: timestamp,
});
export type MessageStatusEvent = z.output<typeof messageStatusEvent>;

/** Totals of a UTC day: sent again, they replace what was said before. */
export const sessionUsageEvent = z.strictObject({
  ...of,
  day: z.iso.date(),
  sent: z.int(),
  received: z.int(),
  media_bytes: z.int(),
});
export type SessionUsageEvent = z.output<typeof sessionUsageEvent>;

export const workerEvents = <Event extends z.ZodType>(data: Event) =>
  z.strictObject({
    worker_id: id,
    items: z
      .array(
        z.strictObject({
          event_id: id,
          created_at: timestamp,
          request_id: z.string().nullable(),
          traceparent: z.string().nullable(),
          data,
        }),
      )
      .min(1)
      .max(100),
  });
