/**
 * Redis pub/sub as the verbs see it. At most once: whatever must not be lost is in Postgres (`canvas_events`, `outbox`)
 * before it is published, and readers fill gaps from there.
 */
export interface Bus {
  /** Sends `message` to every replica that listens on `channel`. Never throws, never waits for Redis. */
  publish(channel: string, message: BusMessage): void;
}

/**
 * What travels on a channel. On the wire it is one line of JSON with everything but `frame`, a newline, then `frame`
 * untouched, so that a hub routes by the first line and forwards the rest without parsing it.
 */
export interface BusMessage {
  kind: string;
  seq?: number;
  user_id?: string;
  /** W3C trace context of the publisher. */
  traceparent?: string;
  /** The JSON text that goes to clients as it is. */
  frame: string;
}

/** Channel of one canvas: its events, presence and changes of access. */
export const canvasChannel = (canvas_id: string): string => `canvas:{${canvas_id}}`;
/** Channel of one person: what `/ws/me` delivers. */
export const meChannel = (user_id: string): string => `me:{${user_id}}`;
