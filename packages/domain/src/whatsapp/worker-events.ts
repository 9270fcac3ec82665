import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';
import {
  messageId,
  outbound_statuses,
  phone,
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
/** Events of one request. */
export const MAX_WORKER_EVENTS = 100;
export type WorkerEventKind = (typeof worker_event_kinds)[number];

const of = { session_id: id, generation: z.int().min(0) };

export const sessionStatusEvent = z.strictObject({
  ...of,
  status: z.enum(session_statuses),
  reason: z.string().max(200).nullable(),
  close_code: z.int32().nullable(),
  phone: phone.nullable(),
  lid: z.string().max(64).nullable(),
  profile_name: z.string().nullable(),
  qr: z
    .strictObject({ serial: z.int32(), expires_at: timestamp })
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
  sent: z.int().min(0),
  received: z.int().min(0),
  media_bytes: z.int().min(0),
});
export type SessionUsageEvent = z.output<typeof sessionUsageEvent>;

/** Takes any event with the session it is of. */
const workerEvent = <Event extends z.ZodType<{ session_id: string }>>(data: Event) =>
  z.strictObject({
    event_id: id.describe('Counts once'),
    seq: z.int().min(0).describe('The order of the events of a session, whatever their kind'),
    created_at: timestamp,
    request_id: z.string().max(128).nullable().describe('Of the call that it comes of'),
    traceparent: z.string().max(128).nullable(),
    data,
  });

interface Named {
  event_id: string;
  data: { session_id: string };
}
const areOfOneSession = (items: Named[]): boolean =>
  new Set(items.map((item) => item.event_id)).size === items.length &&
  items.every((item) => item.data.session_id === items[0]?.data.session_id);

/** One request. `worker_id` held the session when this happened, whichever worker tells of it. */
export const workerEvents = <Event extends z.ZodType<{ session_id: string }>>(data: Event) =>
  z.strictObject({
    worker_id: id,
    items: z
      .array(workerEvent(data))
      .min(1)
      .max(MAX_WORKER_EVENTS)
      .refine((items) => areOfOneSession(items as unknown as Named[]), 'must be events of one session, each once'),
  });

/** What each kind of event is. */
export const worker_event_schemas = {
  'session-status': workerEvents(sessionStatusEvent),
  'message-status': workerEvents(messageStatusEvent),
  'message-inbound': workerEvents(messageInboundEvent),
  'session-usage': workerEvents(sessionUsageEvent),
} satisfies Record<WorkerEventKind, z.ZodType>;

/** What became of the events of one request. */
export const workerEventsTaken = z.strictObject({
  taken: z.int().min(0),
  repeated: z.int().min(0).describe('They came before, and count no more'),
  ignored: z.int().min(0).describe('Of a session that is gone, or what is over by now'),
});
export type WorkerEventsTaken = z.output<typeof workerEventsTaken>;
