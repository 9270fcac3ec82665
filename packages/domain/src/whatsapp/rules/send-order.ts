/*
 * Whose turn it is to send. Messages of one chat go one after the other, in the order in which they were asked for; chats go
 * side by side, a bounded number at a time, and take turns, so that a long queue of one keeps no other waiting.
 */

export interface Queued {
  id: string;
  chat_id: string;
  /** Greater for what was asked for later. */
  seq: number;
}

interface Lane {
  chat_id: string;
  /** By seq. */
  waiting: Queued[];
  busy: Queued | null;
  /** Nothing of this chat goes before (ms); 0: at once. */
  held_until: number;
}

export interface SendOrder {
  /** False: it is known already. */
  add(message: Queued): boolean;
  /** The next message whose turn it is; its chat is busy until `done` or `hold`. Null: none may go now. */
  take(now_ms: number): Queued | null;
  /** It is sent, or will never be. */
  done(message: Queued): void;
  /** It has not been sent, and comes first in its chat again, not before `until_ms`. */
  hold(message: Queued, until_ms: number): void;
  /** Lets every chat that is held have another look. */
  release(): void;
  /** When the first of the chats that are held may go again; null: none is held. */
  nextHeld(): number | null;
  /** What waits in a chat, the next first. */
  upcoming(chat_id: string, limit: number): Queued[];
  /** Messages that wait or are under way. */
  readonly size: number;
  readonly busy: number;
  /** Forgets everything: what is under way is not known any more. */
  clear(): void;
}

/** `parallel`: chats that are busy at a time. */
export function createSendOrder({ parallel }: { parallel: number }): SendOrder {
  const lanes = new Map<string, Lane>();
  const ids = new Set<string>();
  /** Chats that may have their turn, in the order of their turns. */
  const ready = new Set<string>();
  const held = new Set<string>();
  let busy = 0;

  function settle(lane: Lane, now_until = 0): void {
    lane.held_until = now_until;
    ready.delete(lane.chat_id);
    held.delete(lane.chat_id);
    if (lane.busy) return;
    if (lane.waiting.length === 0) lanes.delete(lane.chat_id);
    else (now_until > 0 ? held : ready).add(lane.chat_id);
  }

  function finish(message: Queued): Lane | undefined {
    const lane = lanes.get(message.chat_id);
    // Of a time before everything was forgotten.
    if (!lane || lane.busy !== message) return undefined;
    lane.busy = null;
    busy -= 1;
    return lane;
  }

  return {
    add(message) {
      if (ids.has(message.id)) return false;
      ids.add(message.id);
      let lane = lanes.get(message.chat_id);
      if (!lane) {
        lane = { chat_id: message.chat_id, waiting: [], busy: null, held_until: 0 };
        lanes.set(message.chat_id, lane);
      }
      insert(lane.waiting, message);
      if (!lane.busy && lane.held_until === 0) ready.add(lane.chat_id);
      return true;
    },
    take(now_ms) {
      if (busy >= parallel) return null;
      for (const chat_id of [...held]) {
        const lane = lanes.get(chat_id);
        if (lane && lane.held_until <= now_ms) settle(lane);
      }
      const [chat_id] = ready;
      const lane = chat_id === undefined ? undefined : lanes.get(chat_id);
      const message = lane?.waiting.shift();
      if (!lane || !message) return null;
      ready.delete(lane.chat_id);
      lane.busy = message;
      busy += 1;
      return message;
    },
    done(message) {
      const lane = finish(message);
      if (!lane) return;
      ids.delete(message.id);
      settle(lane);
    },
    hold(message, until_ms) {
      const lane = finish(message);
      if (!lane) return;
      lane.waiting.unshift(message);
      settle(lane, until_ms);
    },
    release() {
      for (const chat_id of [...held]) {
        const lane = lanes.get(chat_id);
        if (lane) settle(lane);
      }
    },
    nextHeld() {
      let first: number | null = null;
      for (const chat_id of held) {
        const until = lanes.get(chat_id)?.held_until ?? 0;
        if (first === null || until < first) first = until;
      }
      return first;
    },
    upcoming: (chat_id, limit) => lanes.get(chat_id)?.waiting.slice(0, limit) ?? [],
    get size() {
      return ids.size;
    },
    get busy() {
      return busy;
    },
    clear() {
      lanes.clear();
      ids.clear();
      ready.clear();
      held.clear();
      busy = 0;
    },
  };
}

/** Nearly always at the end: calls that were answered side by side may come in another order than their seq. */
function insert(waiting: Queued[], message: Queued): void {
  let at = waiting.length;
  while (at > 0 && (waiting[at - 1]?.seq ?? 0) > message.seq) at -= 1;
  waiting.splice(at, 0, message);
}
