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
/** Channel of one workspace: changes of access that concern all its canvases. */
export const workspaceChannel = (workspace_id: string): string => `workspace:{${workspace_id}}`;

/** The text of a message on the wire. */
export function encodeBusMessage({ frame, ...head }: BusMessage): string {
  return `${JSON.stringify(head)}\n${frame}`;
}

/** Reads what `encodeBusMessage` wrote; undefined for anything else, so that a foreign publisher breaks no reader. */
export function decodeBusMessage(text: string): BusMessage | undefined {
  const end = text.indexOf('\n');
  if (end < 0) return undefined;
  let head: unknown;
  try {
    head = JSON.parse(text.slice(0, end));
  } catch {
    return undefined;
  }
  return isHead(head) ? { ...head, frame: text.slice(end + 1) } : undefined;
}

function isHead(head: unknown): head is Omit<BusMessage, 'frame'> {
  if (typeof head !== 'object' || head === null) return false;
  const { kind, seq, user_id, traceparent } = head as Record<string, unknown>;
  return (
    typeof kind === 'string' &&
    (seq === undefined || typeof seq === 'number') &&
    (user_id === undefined || typeof user_id === 'string') &&
    (traceparent === undefined || typeof traceparent === 'string')
  );
}
