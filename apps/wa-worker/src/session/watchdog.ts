import type { WASocket } from '@whiskeysockets/baileys';
import type { Timings } from './timings.ts';

export type DeafSign = 'ping' | 'ack';

export interface Watchdog {
  /** A message has left; it wants an acknowledgement. */
  expectAck(message_id: string): void;
  stop(): void;
}

/** Pings in a row without an answer. */
const MAX_MISSED = 2;

/**
 * Tells a socket that is open and deaf from one that has nothing to say: pings want an answer, messages an acknowledgement. `onDeaf` is
 * called once.
 */
export function startWatchdog(
  sock: Pick<WASocket, 'query' | 'ws'>,
  timings: Pick<Timings, 'ping_ms' | 'ping_timeout_ms' | 'ack_timeout_ms'>,
  onDeaf: (sign: DeafSign) => void,
): Watchdog {
  const unacknowledged = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let is_stopped = false;
  let missed = 0;

  const stop = (): void => {
    is_stopped = true;
    clearTimeout(timer);
    sock.ws.off('CB:ack,class:message', onAck);
  };
  const report = (sign: DeafSign): void => {
    if (is_stopped) return;
    stop();
    onDeaf(sign);
  };
  const onAck = ({ attrs }: { attrs: Record<string, string> }): void => {
    unacknowledged.delete(attrs.id ?? '');
  };
  const isOverdue = (): boolean => {
    // In the order in which they left.
    const [first] = unacknowledged.values();
    return first !== undefined && performance.now() - first > timings.ack_timeout_ms;
  };
  const look = async (): Promise<void> => {
    const is_answered = await ping(sock, timings.ping_timeout_ms);
    missed = is_answered ? 0 : missed + 1;
    if (missed >= MAX_MISSED) report('ping');
    else if (isOverdue()) report('ack');
    else if (!is_stopped) next(missed > 0 ? 0 : timings.ping_ms);
  };
  const next = (ms: number): void => {
    timer = setTimeout(() => void look(), ms);
    timer.unref();
  };

  sock.ws.on('CB:ack,class:message', onAck);
  next(timings.ping_ms);
  return {
    stop,
    expectAck(message_id) {
      // Sent again, it is at the end.
      unacknowledged.delete(message_id);
      unacknowledged.set(message_id, performance.now());
    },
  };
}

async function ping({ query }: Pick<WASocket, 'query'>, timeout_ms: number): Promise<boolean> {
  const attrs = { to: '@s.whatsapp.net', type: 'get', xmlns: 'w:p' };
  try {
    const answer: unknown = await query({ tag: 'iq', attrs, content: [{ tag: 'ping', attrs: {} }] }, timeout_ms);
    return answer !== undefined;
  } catch {
    return false;
  }
}
