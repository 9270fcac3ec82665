import type { PartnerRecipient, PartnerSend } from '@potentia/db/whatsapp/partner-queries';
import { hashJson } from '../platform/canonical-json.ts';
import type { Sealer } from '../platform/seal.ts';
import { newId } from '../platform/uuid.ts';
import { outboundMessageId } from './rules/message-id.ts';
import type { SendMessageInput } from './schemas.ts';
import { sealSend } from './sealed-send.ts';

/**
 * What is said to one person, as messages that wait for the worker. `key` follows from what they answer, so that whoever asks again asks
 * for the same messages: of several each has its number behind it, from 1.
 */
export function partnerSends(
  sealer: Sealer,
  { session_id, to, key, texts }: { session_id: string; to: PartnerRecipient; key: string; texts: readonly string[] },
): PartnerSend[] {
  return texts.map((text, i) => {
    const idempotency_key = texts.length === 1 ? key : `${key}:${i + 1}`;
    const message: SendMessageInput = { to, content: { type: 'text', text } };
    return {
      id: newId(),
      message_id: outboundMessageId(session_id, idempotency_key),
      request: sealSend(sealer, { session_id, idempotency_key, message }),
      request_hash: hashJson(message),
    };
  });
}
