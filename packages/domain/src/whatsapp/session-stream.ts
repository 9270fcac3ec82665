/** What happened in a session, as those see it who look at it now: `type` is `whatsapp.message` or `whatsapp.message_status`. */
export interface SessionEvent {
  type: string;
  /** One line. */
  json: string;
}

export interface StreamedEvent extends SessionEvent {
  /** Where it stands in the stream: greater for what came later. */
  id: string;
}

/**
 * The last events of each session, for an hour, in Redis: for looking on over any replica. Whoever must miss nothing takes
 * webhooks or lists messages.
 */
export interface SessionStream {
  /** Never waits and never throws; without Redis it is lost. */
  append(session_id: string, events: readonly SessionEvent[]): void;
  /** Those after `after`, oldest first; of the newest id when there is none yet. Null: Redis is away. */
  read(session_id: string, after: string): Promise<StreamedEvent[] | null>;
  /** The newest id; null: Redis is away. */
  last(session_id: string): Promise<string | null>;
}

/** Before everything. */
export const STREAM_START = '0-0';

/** An id of a stream, as a client sends it back. Undefined for anything else. */
export const streamId = (text: string | undefined): string | undefined =>
  text !== undefined && /^\d{1,15}-\d{1,15}$/.test(text) ? text : undefined;
