import { z } from 'zod';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import {
  media_kinds,
  messageId,
  outbound_statuses,
  phone,
  recipient,
  sendMessageInput,
  session_statuses,
  whatsappChat,
  whatsappContact,
  whatsappMedia,
  whatsappMessage,
} from './schemas.ts';
import { sessionRef } from './session-schemas.ts';

/* What the public doors of one session take and answer, and with few exceptions its worker's too. */

const inSession = sessionRef.shape;

// Messages

export const sendMessageBody = sendMessageInput.meta({ id: 'SendWhatsappMessage' });
export const sendMessageRef = sendMessageInput.extend(inSession);

export const whatsappMessageAnswer = z
  .strictObject({
    session_id: id,
    message_id: messageId.describe("WhatsApp's id, which follows from the session and the Idempotency-Key"),
    status: z.enum(['received', ...outbound_statuses]),
    error_code: z.string().nullable(),
    message: whatsappMessage
      .nullable()
      .describe('null: it waits here, since no worker could take it yet; it keeps its order'),
  })
  .meta({ id: 'WhatsappMessageAnswer' });
export type WhatsappMessageAnswer = z.output<typeof whatsappMessageAnswer>;

export const messagePage = pageOf(whatsappMessage).meta({ id: 'WhatsappMessagePage' });
export type MessagePage = z.output<typeof messagePage>;

export const listMessagesQuery = z.strictObject({
  chat_id: id.optional(),
  direction: z.enum(['in', 'out']).optional(),
  status: z.enum(['received', ...outbound_statuses]).optional(),
  cursor,
  limit: pageLimit(100, 50),
});
export const listMessagesInput = listMessagesQuery.extend(inSession);

export const messageRef = z.strictObject({
  ...inSession,
  message_id: messageId.describe("WhatsApp's id, or the `id` of the message"),
});

// Media

export const createMediaBody = z
  .strictObject({
    kind: z.enum(media_kinds),
    media_type: z
      .string()
      .max(127)
      .regex(/^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(; ?[a-z0-9-]+=[a-z0-9-]+)?$/i, 'must be a media type')
      .describe('Such as `image/jpeg`'),
    size: z.int().min(1).describe('Bytes'),
    file_name: z.string().min(1).max(255).optional(),
  })
  .meta({ id: 'CreateWhatsappMedia' });
export const createMediaInput = createMediaBody.extend(inSession);

export const mediaUpload = z
  .strictObject({
    media: whatsappMedia,
    upload: z.strictObject({
      method: z.literal('PUT'),
      url: z.string(),
      headers: z.record(z.string(), z.string()).describe('To be sent as they are: they are signed'),
      expires_at: timestamp,
    }),
  })
  .meta({ id: 'WhatsappMediaUpload' });
export type MediaUpload = z.output<typeof mediaUpload>;

export const mediaRef = z.strictObject({ ...inSession, media_id: id });
export const mediaAnswer = z.strictObject({ media: whatsappMedia }).meta({ id: 'WhatsappMediaAnswer' });
export type MediaAnswer = z.output<typeof mediaAnswer>;

export const mediaDownload = z
  .strictObject({
    media: whatsappMedia,
    url: z.string().describe('Signed, for a short time'),
    expires_at: timestamp,
  })
  .meta({ id: 'WhatsappMediaDownload' });
export type MediaDownload = z.output<typeof mediaDownload>;

export const downloadQuery = z.strictObject({
  redirect: z.enum(['true', 'false']).default('false').describe('Answer 302 to the file itself'),
});

// Chats and contacts

export const chatEntry = z
  .strictObject({
    chat: whatsappChat,
    unread: z.int(),
    last_message_at: timestamp,
    last_message: whatsappMessage.nullable(),
  })
  .meta({ id: 'WhatsappChatEntry' });
export const chatPage = pageOf(chatEntry).meta({ id: 'WhatsappChatPage' });
export type ChatPage = z.output<typeof chatPage>;

export const contactPage = pageOf(whatsappContact).meta({ id: 'WhatsappContactPage' });
export type ContactPage = z.output<typeof contactPage>;

export const listQuery = z.strictObject({ cursor, limit: pageLimit(200, 50) });
export const listInput = listQuery.extend(inSession);

export const checkContactsBody = z
  .strictObject({ phones: z.array(phone).min(1).max(50) })
  .meta({ id: 'CheckWhatsappContacts' });
export const checkContactsInput = checkContactsBody.extend(inSession);

export const checkedContacts = z
  .strictObject({
    items: z.array(
      z.strictObject({
        phone,
        is_on_whatsapp: z.boolean(),
        contact: whatsappContact.nullable().describe('null: not on WhatsApp, and never met'),
      }),
    ),
  })
  .meta({ id: 'CheckedWhatsappContacts' });
export type CheckedContacts = z.output<typeof checkedContacts>;

// Groups

export const whatsappGroup = z
  .strictObject({
    group_id: z.string(),
    chat_id: id.nullable().describe('null: nothing was said there since this session was linked'),
    subject: z.string().nullable(),
    description: z.string().nullable(),
    created_at: timestamp.nullable(),
    owner: whatsappContact.nullable(),
    participants: z.array(
      z.strictObject({ contact: whatsappContact, role: z.enum(['member', 'admin', 'superadmin']) }),
    ),
    is_announcement: z.boolean().describe('Only admins may write'),
    is_locked: z.boolean().describe('Only admins may change subject and description'),
  })
  .meta({ id: 'WhatsappGroup' });
export type WhatsappGroup = z.output<typeof whatsappGroup>;

export const groupList = z.strictObject({ items: z.array(whatsappGroup) }).meta({ id: 'WhatsappGroupList' });
export type GroupList = z.output<typeof groupList>;

const groupId = z.string().regex(/^[0-9-]{5,64}$/, 'must be the id of a group, without @g.us');
export const groupRef = z.strictObject({ ...inSession, group_id: groupId });

const subject = z.string().min(1).max(100);
export const createGroupBody = z
  .strictObject({ subject, phones: z.array(phone).min(1).max(256) })
  .meta({ id: 'CreateWhatsappGroup' });
export const createGroupInput = createGroupBody.extend(inSession);

const groupChanges = z.strictObject({ subject: subject.optional(), description: z.string().max(2_048).optional() });
const changesSomething = ({ subject, description }: z.output<typeof groupChanges>): boolean =>
  subject !== undefined || description !== undefined;
const nothingToChange = { error: 'must change something' };
export const updateGroupBody = groupChanges
  .refine(changesSomething, nothingToChange)
  .meta({ id: 'UpdateWhatsappGroup' });
export const updateGroupInput = groupChanges.extend(groupRef.shape).refine(changesSomething, nothingToChange);

export const changeParticipantsBody = z
  .strictObject({
    action: z.enum(['add', 'remove', 'promote', 'demote']),
    phones: z.array(phone).min(1).max(256),
  })
  .meta({ id: 'ChangeWhatsappParticipants' });
export const changeParticipantsInput = changeParticipantsBody.extend(groupRef.shape);

export const changedParticipants = z
  .strictObject({
    items: z.array(
      z.strictObject({
        phone,
        status: z.enum(['done', 'refused']),
        reason: z.string().nullable().describe("WhatsApp's code of a refusal"),
      }),
    ),
  })
  .meta({ id: 'ChangedWhatsappParticipants' });
export type ChangedParticipants = z.output<typeof changedParticipants>;

// Presence

export const markReadBody = z
  .strictObject({
    chat_id: id,
    message_ids: z.array(messageId).min(1).max(100).optional().describe('Everything unread, when not given'),
  })
  .meta({ id: 'MarkWhatsappRead' });
export const markReadInput = markReadBody.extend(inSession);

export const typingBody = z
  .strictObject({ to: recipient, state: z.enum(['composing', 'recording', 'paused']) })
  .meta({ id: 'ShowWhatsappTyping' });
export const typingInput = typingBody.extend(inSession);

// Linking

export const qrAnswer = z
  .strictObject({
    session_id: id,
    qr: z.string().describe('The text that the QR code holds'),
    serial: z.int().describe('Of the codes of one attempt to link, from 1'),
    expires_at: timestamp,
  })
  .meta({ id: 'WhatsappQr' });
export type QrAnswer = z.output<typeof qrAnswer>;

export const qrPageAnswer = z
  .strictObject({
    url: z.string().describe('Needs no login: whoever has it can link a phone to this session'),
    expires_at: timestamp,
  })
  .meta({ id: 'WhatsappQrPage' });

export const pairingCodeBody = z.strictObject({ phone }).meta({ id: 'RequestWhatsappPairingCode' });
export const pairingCodeInput = pairingCodeBody.extend(inSession);

export const pairingCodeAnswer = z
  .strictObject({
    session_id: id,
    code: z.string().describe('To be typed in on the phone: linked devices, link with phone number'),
    expires_at: timestamp,
  })
  .meta({ id: 'WhatsappPairingCode' });
export type PairingCodeAnswer = z.output<typeof pairingCodeAnswer>;

/** What the page asks with, and what it shows. */
export const qrPageState = z
  .strictObject({
    name: z.string().describe('Of the session'),
    status: z.enum(session_statuses),
    status_reason: z.string().nullable(),
    qr: z
      .strictObject({ svg: z.string(), serial: z.int(), expires_at: timestamp })
      .nullable()
      .describe('null: there is none now'),
    pairing_code: z.strictObject({ code: z.string(), expires_at: timestamp }).nullable(),
  })
  .meta({ id: 'WhatsappQrPageState' });
export type QrPageState = z.output<typeof qrPageState>;

export const qrPageBody = z.strictObject({ token: z.string().min(1).max(100) }).meta({ id: 'AskWhatsappQrPage' });
