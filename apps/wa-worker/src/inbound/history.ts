import { proto, type WAMessage } from '@whiskeysockets/baileys';
import type { PersonIds } from '@potentia/domain/whatsapp/rules/jid';
import type { SessionLog } from '../state/session-log.ts';
import type { InboundItem } from './item.ts';
import { normaliseMessage } from './normalise.ts';
import { placeOfMessage } from './place.ts';
import { ownMessage } from './unwrap.ts';

/** Messages in one entry of the log, which live ones do not wait behind for long. */
const CHUNK = 100;

const STATUSES: Partial<Record<number, InboundItem['status']>> = {
  [proto.WebMessageInfo.Status.DELIVERY_ACK]: 'delivered',
  [proto.WebMessageInfo.Status.READ]: 'read',
  [proto.WebMessageInfo.Status.PLAYED]: 'read',
};

/** A message as Baileys tells of it. Null: it is none, or has no content. */
export function toItem(message: WAMessage, me: PersonIds): InboundItem | null {
  const place = placeOfMessage(message, me);
  if (!place || !message.message) return null;
  const content = ownMessage(message.message);
  const found = normaliseMessage(content);
  if (found.type === 'protocol') return null;
  const proto_bytes = proto.Message.encode(content).finish();
  return { ...place, ...found, at: found.at ?? place.at, proto: Buffer.from(proto_bytes).toString('base64') };
}

/** Stores what was said before this session, oldest first; nobody is told of it. Throws `LogEndedError`. */
export async function takeHistory(log: SessionLog, messages: readonly WAMessage[], me: PersonIds): Promise<void> {
  const ordered = messages.toSorted((a, b) => timeOf(a) - timeOf(b));
  for (let start = 0; start < ordered.length; start += CHUNK) {
    const inbound: InboundItem[] = [];
    for (const message of ordered.slice(start, start + CHUNK)) {
      const item = toItemSafely(message, me);
      const status = item?.from_me ? STATUSES[message.status ?? 0] : undefined;
      if (item) inbound.push({ ...item, is_history: true, ...(status && { status }) });
    }
    if (inbound.length > 0) await log.append({ inbound });
  }
}

/** One message of thousands must not lose the others. */
function toItemSafely(message: WAMessage, me: PersonIds): InboundItem | null {
  try {
    return toItem(message, me);
  } catch {
    return null;
  }
}

const timeOf = ({ messageTimestamp }: WAMessage): number => Number(messageTimestamp ?? 0);
