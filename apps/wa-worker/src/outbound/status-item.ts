/** How far a message of ours is, as the server or a phone said it, or that it is about to leave (`wa.take_statuses`). */
export type StatusItem = StatusChange | Attempt;

export interface StatusChange {
  /** WhatsApp's id; with `id`, that of the row, it is not looked for. */
  message_id: string;
  id?: string;
  status: 'sent' | 'acked' | 'delivered' | 'read' | 'played' | 'failed';
  /** ISO 8601. */
  at: string;
  error_code?: string;
  /** The chat in which somebody said so. A message that went elsewhere is not meant. */
  from?: { lid?: string; phone?: string; group_id?: string };
  /** Of a group: whose receipt it is. */
  participant?: { lid?: string; phone?: string };
}

/** Goes into the log before the first frame of a message, so that every attempt sends the same message. */
export interface Attempt {
  message_id: string;
  id: string;
  attempt: {
    /** Base64; null: it is there already. */
    proto: string | null;
    /** It begins a conversation, and counts against the budget of the day. */
    is_cold: boolean;
  };
}
