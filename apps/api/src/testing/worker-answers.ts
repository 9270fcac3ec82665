import { createHash, randomUUID } from 'node:crypto';
import type { WhatsappGroup } from '@potentia/domain/whatsapp/door-schemas';
import type { WhatsappChat, WhatsappContact, WhatsappMedia, WhatsappMessage } from '@potentia/domain/whatsapp/schemas';

/* What a worker tells of a session, in the shapes that the real one has. */

const AT = '2026-03-01T09:00:00.000Z';

/** The same id for the same name, so that what is asked twice is the same thing. */
export function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export const contactOf = (phone: string): WhatsappContact => ({
  contact_id: idOf(phone),
  lid: '1234',
  phone,
  name: null,
  is_business: false,
  is_on_whatsapp: true,
});

export const chatOf = (phone: string): WhatsappChat => ({
  chat_id: idOf(`chat ${phone}`),
  kind: 'person',
  contact: contactOf(phone),
  group_id: null,
  subject: null,
});

export const messageOf = (
  session_id: string,
  message_id: string,
  overrides: Partial<WhatsappMessage> = {},
): WhatsappMessage => ({
  id: idOf(message_id),
  session_id,
  message_id,
  chat: chatOf('6281200000001'),
  sender: null,
  direction: 'out',
  type: 'text',
  content: { text: 'words' },
  media: null,
  reactions: [],
  quoted_message_id: null,
  status: 'queued',
  error_code: null,
  hold: null,
  at: AT,
  sent_at: null,
  acked_at: null,
  delivered_at: null,
  read_at: null,
  edited_at: null,
  deleted_at: null,
  request_id: null,
  ...overrides,
});

export const mediaOf = (overrides: Partial<WhatsappMedia> = {}): WhatsappMedia => ({
  media_id: randomUUID(),
  kind: 'image',
  media_type: 'image/png',
  file_name: null,
  size: 100,
  status: 'stored',
  ...overrides,
});

export const groupOf = (group_id: string, subject = 'A group'): WhatsappGroup => ({
  group_id,
  chat_id: null,
  subject,
  description: null,
  created_at: AT,
  owner: contactOf('6281200000001'),
  participants: [{ contact: contactOf('6281200000001'), role: 'superadmin' }],
  is_announcement: false,
  is_locked: false,
});
