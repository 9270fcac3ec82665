/** One thing that came in, ready for the journal (`wa.take_inbound`). Ids are bare: without server and device. */
export interface InboundItem {
  chat: { kind: 'person' | 'group' | 'broadcast'; lid?: string; phone?: string; group_id?: string };
  /** Null: this account, from another of its devices. */
  sender: { lid?: string; phone?: string; name?: string } | null;
  from_me: boolean;
  message_id: string;
  /** ISO 8601. */
  at: string;
  type: string;
  content: Record<string, unknown>;
  /** The protobuf of the message, in base64; null of a stub. */
  proto: string | null;
  quoted_message_id?: string;
  /** Of an edit, a deletion, a reaction, a vote. */
  target_message_id?: string;
  media?: { kind: string; media_type: string; file_name?: string; size?: number; sha256?: string };
  /** It could not be decrypted; the content may come later. */
  is_stub?: boolean;
}
