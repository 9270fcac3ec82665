import type { PersonIds } from '@potentia/domain/whatsapp/rules/jid';

/** Where a message belongs, and whose it is. Ids are bare: without server and device. */
export interface Place {
  chat: PersonIds & { kind: 'person' | 'group' | 'broadcast'; group_id?: string };
  /** Null: this account, from another of its devices. */
  sender: (PersonIds & { name?: string; is_business?: boolean }) | null;
  from_me: boolean;
  message_id: string;
  /** ISO 8601. */
  at: string;
}

/** A file that a message has; it is downloaded later. */
export interface ItemMedia {
  kind: 'image' | 'video' | 'audio' | 'voice' | 'document' | 'sticker';
  media_type: string;
  file_name?: string;
  size?: number;
  /** Of the file as it is meant, in base64. */
  sha256?: string;
}

/** One thing that came in, ready for the journal (`wa.take_inbound`). */
export interface InboundItem extends Place {
  /** Of a message as it is shown, or `protocol`: what is no message, and kept only so that it is known when it comes again. */
  type: string;
  /** What is about another message (reaction, edit, delete, poll_vote) has its id as `message_id`. */
  content: Record<string, unknown>;
  /** The protobuf of the message, in base64; null of a stub. */
  proto: string | null;
  quoted_message_id?: string;
  media?: ItemMedia;
  /** It could not be decrypted; the content may come later. */
  is_stub?: boolean;
  /** Of the time before this session: stored, and not told. */
  is_history?: boolean;
  /** It is marked as read as it comes in. */
  is_read?: boolean;
  /** Of what the own phone sent, as far as history knows; `acked` when it is absent. */
  status?: 'acked' | 'delivered' | 'read';
}
