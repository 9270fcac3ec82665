/** How far a message of ours is, as the server or a phone said it (`wa.take_statuses`). */
export interface StatusItem {
  message_id: string;
  status: 'sent' | 'acked' | 'delivered' | 'read' | 'failed';
  /** ISO 8601. */
  at: string;
  error_code?: string;
  /** Of a group: whose receipt it is. */
  participant?: { lid?: string; phone?: string };
}
