import { newId } from '../../platform/uuid.ts';
import type { WhatsappMessage } from '../schemas.ts';
import type {
  MessageInboundEvent,
  MessageStatusEvent,
  SessionStatusEvent,
  SessionUsageEvent,
} from '../worker-events.ts';

/* What workers say, as they say it. */

export interface Placement {
  session_id: string;
  generation: number;
}

const AT = '2026-03-02T09:00:00.000Z';
const of = ({ session_id, generation }: Placement): Placement => ({ session_id, generation });
let seq = 0;

/** One request, its events in order. */
export const batchOf = (
  worker_id: string,
  data: object[],
  common: { request_id?: string; traceparent?: string } = {},
) => ({
  worker_id,
  items: data.map((each) => ({
    event_id: newId(),
    seq: (seq += 1),
    created_at: new Date().toISOString(),
    request_id: common.request_id ?? null,
    traceparent: common.traceparent ?? null,
    data: each,
  })),
});

export const statusEvent = (session: Placement, overrides: Partial<SessionStatusEvent> = {}): SessionStatusEvent => ({
  ...of(session),
  status: 'connected',
  reason: null,
  close_code: null,
  phone: null,
  lid: null,
  profile_name: null,
  qr: null,
  at: AT,
  ...overrides,
});

const contact = () => ({
  contact_id: newId(),
  lid: '100000000000001',
  phone: '6281200000001',
  name: 'Siti',
  is_business: false,
  is_on_whatsapp: true,
});
const chat = (sender: ReturnType<typeof contact>): WhatsappMessage['chat'] => ({
  chat_id: newId(),
  kind: 'person',
  contact: sender,
  group_id: null,
  subject: null,
});

/** A text of a person. */
export function inboundEvent(
  session: Placement,
  text: string,
  overrides: Partial<Pick<MessageInboundEvent, 'change'>> & { message?: Partial<WhatsappMessage> } = {},
): MessageInboundEvent {
  const sender = contact();
  const message: WhatsappMessage = {
    id: newId(),
    session_id: session.session_id,
    message_id: `IN${newId()}`,
    chat: chat(sender),
    sender,
    direction: 'in',
    type: 'text',
    content: { text },
    media: null,
    reactions: [],
    quoted_message_id: null,
    status: 'received',
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
    ...overrides.message,
  };
  return { ...of(session), change: overrides.change ?? 'new', message };
}

export const messageStatusEvent = (
  session: Placement,
  overrides: Partial<MessageStatusEvent> = {},
): MessageStatusEvent => ({
  ...of(session),
  id: newId(),
  message_id: `3EB0${newId()}`,
  chat: chat(contact()),
  status: 'acked',
  error_code: null,
  media: null,
  requested_by: null,
  request_id: null,
  at: AT,
  ...overrides,
});

export const usageEvent = (session: Placement, overrides: Partial<SessionUsageEvent> = {}): SessionUsageEvent => ({
  ...of(session),
  day: '2026-03-02',
  sent: 1,
  received: 2,
  media_bytes: 3,
  ...overrides,
});
