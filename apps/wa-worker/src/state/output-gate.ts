import type { WebSocket } from 'ws';
import { LogEndedError, type SessionLog } from './session-log.ts';

/** The one way out of a session: nothing leaves before all that was decided before it is durable. */
export interface OutputGate {
  /** Resolves when every frame that was handed over so far is with the operating system. Rejects when it never will be. */
  released(): Promise<void>;
  /** Lets nothing out any more. */
  close(): void;
}

/** Entries that may wait before nothing more is read from the socket. */
const MAX_WAITING = 500;

interface Held {
  data: Buffer;
  position: number;
  sent: PromiseWithResolvers<void>;
}

/**
 * Takes the place of the socket's `send`. Each frame is held until the log entries that were appended before it are durable; the
 * caller is told at once that it went, so that the next stanza is worked on while the group is written. Frames keep their order,
 * since each is encrypted under the number that it has.
 */
export function attachGate(socket: WebSocket, log: SessionLog): OutputGate {
  const sendNow = socket.send.bind(socket) as (data: Buffer, done: (error?: Error) => void) => void;
  const held: Held[] = [];
  let last: Promise<void> = Promise.resolve();
  let is_closed = false;

  const write = ({ data, sent }: Held): void =>
    sendNow(data, (error) => {
      if (error) sent.reject(error);
      else sent.resolve();
    });
  const release = (): void => {
    for (let first = held[0]; first && first.position <= log.durable_position; first = held[0]) {
      held.shift();
      write(first);
    }
    if (socket.isPaused && log.waiting < MAX_WAITING / 2) socket.resume();
  };
  const close = (): void => {
    if (is_closed) return;
    is_closed = true;
    off_durable();
    off_end();
    for (const { sent } of held.splice(0)) sent.reject(new LogEndedError(log.ended ?? 'closed'));
  };
  const off_durable = log.onDurable(release);
  const off_end = log.onEnd(close);
  socket.once('close', close);

  socket.send = (data: unknown, options?: unknown, callback?: unknown) => {
    const done = (typeof options === 'function' ? options : callback) as ((error?: Error) => void) | undefined;
    if (is_closed) {
      done?.(new LogEndedError(log.ended ?? 'closed'));
      return;
    }
    const frame: Held = { data: data as Buffer, position: log.position, sent: Promise.withResolvers() };
    last = frame.sent.promise;
    last.catch(() => undefined);
    if (held.length === 0 && frame.position <= log.durable_position) write(frame);
    else held.push(frame);
    if (log.waiting > MAX_WAITING && !socket.isPaused) socket.pause();
    done?.();
  };
  return { released: () => last, close };
}
