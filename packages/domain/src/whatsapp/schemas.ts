import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';

/*
 * What passes through the gateway, as the API, its webhooks and the worker spell it. A person at the other end always has both ids,
 * `lid` and `phone`, as far as they are known.
 */

export const phone = z
  .string()
  .regex(/^[1-9][0-9]{4,19}$/, 'must be digits of an E.164 number, without +')
  .describe('E.164 digits, without +');
/** WhatsApp's id of a message. */
export const messageId = z.string().min(1).max(128);
const groupId = z
  .string()
  .regex(/^[0-9-]{5,64}$/, 'must be the id of a group, without @g.us')
  .describe('Without @g.us');
const lid = z
  .string()
  .regex(/^[0-9]{1,32}$/)
  .describe("WhatsApp's private id of a person, without @lid");

export const session_statuses = [
  'created',
  'connecting',
  'pairing',
  'connected',
  'disconnected',
  'logged_out',
  'banned',
  'replaced',
  'failed',
] as const;
export type SessionStatus = (typeof session_statuses)[number];

export const outbound_statuses = ['queued', 'sent', 'acked', 'delivered', 'read', 'failed'] as const;

export const media_kinds = ['image', 'video', 'audio', 'voice', 'document', 'sticker'] as const;
export type MediaKind = (typeof media_kinds)[number];

export const whatsappContact = z.strictObject({
  contact_id: id,
  lid: lid.nullable(),
  phone: phone.nullable(),
  name: z.string().nullable(),
  is_business: z.boolean(),
  is_on_whatsapp: z.boolean().nullable().describe('null: never asked'),
});
export type WhatsappContact = z.output<typeof whatsappContact>;

export const whatsappChat = z.strictObject({
  chat_id: id,
  kind: z.enum(['person', 'group', 'broadcast']),
  contact: whatsappContact.nullable().describe('The person; null in a group'),
  group_id: z.string().nullable(),
  subject: z.string().nullable(),
});
export type WhatsappChat = z.output<typeof whatsappChat>;

/** Where a message goes: exactly one of them. */
export const recipient = z
  .strictObject({
    phone: phone.optional(),
    lid: lid.optional(),
    chat_id: id.optional(),
    group_id: groupId.optional(),
  })
  .refine((to) => Object.values<string | undefined>(to).filter((value) => value !== undefined).length === 1, {
    error: 'must name exactly one of phone, lid, chat_id, group_id',
  });

const sharedContact = z.strictObject({
  name: z.string().min(1).max(200),
  phones: z.array(phone).min(1).max(10),
  organization: z.string().max(200).optional(),
});
const caption = z.string().max(4_096).optional();
const is_view_once = z.boolean().optional();
const text = z.string().min(1).max(4_096).regex(/\S/, 'must be more than white space');
const media_id = id.describe('Of `POST …/media`, uploaded');
const file = <Kind extends MediaKind>(type: Kind) =>
  z.strictObject({ type: z.literal(type), media_id, file_name: z.string().min(1).max(255).optional() });

/** What can be sent. */
export const outboundContent = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text'),
    text,
    mentions: z.array(phone).max(100).optional().describe('Who is named with @ in the text'),
  }),
  file('image').extend({ caption, is_view_once }),
  file('video').extend({ caption, is_view_once }),
  file('audio'),
  file('voice'),
  file('document').extend({ caption }),
  file('sticker'),
  z.strictObject({
    type: z.literal('location'),
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    name: z.string().max(200).optional(),
    address: z.string().max(500).optional(),
  }),
  z.strictObject({ type: z.literal('contact'), contacts: z.array(sharedContact).min(1).max(20) }),
  z.strictObject({
    type: z.literal('poll'),
    question: z.string().min(1).max(255),
    options: z
      .array(z.string().min(1).max(100))
      .min(2)
      .max(12)
      .refine((options) => new Set(options).size === options.length, { error: 'must differ from each other' }),
    selectable_count: z.int().min(1).max(12).default(1),
  }),
  z.strictObject({
    type: z.literal('reaction'),
    message_id: messageId,
    emoji: z.string().min(1).max(16).nullable().describe('null takes it back'),
  }),
  z.strictObject({ type: z.literal('edit'), message_id: messageId, text }),
  z.strictObject({ type: z.literal('delete'), message_id: messageId }),
]);
export type OutboundContent = z.output<typeof outboundContent>;

export const sendMessageInput = z.strictObject({
  to: recipient,
  content: outboundContent,
  reply_to: messageId.optional().describe('The message that this answers'),
});
export type SendMessageInput = z.output<typeof sendMessageInput>;

/** Of what is sent and of what comes in. `unknown`: a kind that is not known here; `undecryptable`: its content has not come yet. */
const message_types = [
  ...['text', 'image', 'video', 'audio', 'voice', 'document', 'sticker', 'location', 'live_location', 'contact'],
  ...['poll', 'poll_vote', 'reaction', 'edit', 'delete', 'unknown', 'undecryptable'],
] as const;

export const whatsappMedia = z.strictObject({
  media_id: id,
  kind: z.enum(media_kinds),
  media_type: z.string(),
  file_name: z.string().nullable(),
  size: z.int().nullable(),
  status: z.enum(['pending', 'awaited', 'stored', 'failed', 'too_large']),
});
export type WhatsappMedia = z.output<typeof whatsappMedia>;

/** A message as lists and events show it (`wa.message_json`). */
export const whatsappMessage = z.strictObject({
  id,
  session_id: id,
  message_id: messageId,
  chat: whatsappChat,
  sender: whatsappContact.nullable().describe('null: this session'),
  direction: z.enum(['in', 'out']),
  type: z.enum(message_types),
  content: z.looseObject({}).describe('By type, as in sending; media without media_id'),
  media: whatsappMedia.nullable(),
  reactions: z
    .array(
      z.strictObject({
        emoji: z.string(),
        sender: whatsappContact.nullable().describe('null: this session'),
        at: timestamp,
      }),
    )
    .describe('The last of each who reacted'),
  quoted_message_id: z.string().nullable(),
  status: z.enum(['received', ...outbound_statuses]),
  error_code: z.string().nullable(),
  hold: z
    .strictObject({ reason: z.string(), until: timestamp.nullable() })
    .nullable()
    .describe('Why it waits in the queue'),
  at: timestamp,
  sent_at: timestamp.nullable(),
  acked_at: timestamp.nullable(),
  delivered_at: timestamp.nullable(),
  read_at: timestamp.nullable(),
  edited_at: timestamp.nullable(),
  deleted_at: timestamp.nullable(),
  request_id: z.string().nullable().describe('Of the call that asked for it'),
});
export type WhatsappMessage = z.output<typeof whatsappMessage>;

/** What a session may do; every field has its default in the worker's configuration. */
export const sessionSettings = z.strictObject({
  messages_per_minute: z.int().min(1).max(100_000).optional(),
  cold_per_day: z.int().min(0).max(10_000).optional().describe('New conversations that it may begin in a UTC day'),
  warm_up_days: z.int().min(0).max(90).optional().describe('Days after linking in which the budget grows'),
  is_marking_read: z.boolean().optional().describe('Whether what comes in is marked as read at once'),
  is_syncing_history: z.boolean().optional(),
});
export type SessionSettings = z.output<typeof sessionSettings>;
