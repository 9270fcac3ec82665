import { makeId } from './ids.js';

const TYPING_PAUSE_MS = 150;

const byName = ([a], [b]) => (a < b ? -1 : 1);
/** Members may come back in another order. */
const isSame = (a, b) =>
  a.type === b.type &&
  JSON.stringify(Object.entries(a.content).sort(byName)) === JSON.stringify(Object.entries(b.content).sort(byName));

/**
 * Sends what the person does, one mutation at a time, so that each is made on the versions that the one before left. A
 * mutation keeps its id until it is answered: after a reconnect the same one is sent again, and applied once.
 *
 * `send(frame)` is false when there is no connection. `onChange()` asks for a redraw, `onRefused({ block_id, text,
 * message })` hands back text that the server did not take, `onLost()` asks for a fresh snapshot.
 */
export function createOutbox({ canvas, send, onChange, onRefused, onLost }) {
  /** Each makes its operations when its turn comes; none: nothing to do any more. */
  const queue = [];
  const timers = new Map();
  let in_flight = null;

  function pump() {
    while (!in_flight && queue.length > 0) {
      const ops = queue.shift()();
      if (ops.length > 0) in_flight = { mutation_id: makeId(), ops };
    }
    transmit();
  }

  function transmit() {
    if (!in_flight || in_flight.sent) return;
    const { mutation_id, ops } = in_flight;
    in_flight.sent = send({ type: 'mutate', mutation_id, ops });
  }

  function enqueue(makeOps) {
    queue.push(makeOps);
    pump();
  }

  /** Keeps what the line will be, and the version that it was made on. */
  function draft(block_id, change) {
    const { type, content } = { ...canvas.find(block_id), ...change };
    const version = canvas.drafts.get(block_id)?.version ?? canvas.blocks.get(block_id)?.version;
    canvas.drafts.set(block_id, { type, content, version });
  }

  function editOps(block_id) {
    const block = canvas.blocks.get(block_id);
    const wanted = canvas.drafts.get(block_id);
    if (!wanted) return [];
    if (!block || isSame(wanted, block)) {
      canvas.drafts.delete(block_id);
      if (!block) onRefused({ block_id, text: wanted.content.text ?? '', message: 'This line was deleted meanwhile.' });
      return [];
    }
    const type = wanted.type === block.type ? undefined : wanted.type;
    return [{ op: 'edit', block_id, version: wanted.version ?? block.version, type, content: wanted.content }];
  }

  function flushTyping(block_id) {
    clearTimeout(timers.get(block_id));
    timers.delete(block_id);
  }

  /** The answer to what is in flight has come: its lines are no longer on their way. */
  function settle() {
    const { ops } = in_flight;
    in_flight = null;
    return ops;
  }

  return {
    hasWork: () => in_flight !== null || queue.length > 0 || timers.size > 0,

    /** The person has typed: the draft is shown at once and sent when they pause. */
    type(block_id, text) {
      draft(block_id, { content: { ...canvas.find(block_id).content, text } });
      clearTimeout(timers.get(block_id));
      timers.set(
        block_id,
        setTimeout(() => {
          timers.delete(block_id);
          enqueue(() => editOps(block_id));
        }, TYPING_PAUSE_MS),
      );
    },

    /** The person has changed type or content of a line: sent at once, with whatever is typed in it. */
    edit(block_id, change) {
      draft(block_id, change);
      flushTyping(block_id);
      enqueue(() => editOps(block_id));
    },

    /** Adds a line, shown at once. Returns its id. */
    create({ parent_id, after_id, type, content }) {
      const id = makeId();
      canvas.pending.set(id, { id, parent_id, after_id, type, content, version: 0, rank: '' });
      enqueue(() => [{ op: 'create', block_id: id, parent_id, after_id, type, content }]);
      return id;
    },

    move(block_id, parent_id, after_id) {
      enqueue(() => {
        const block = canvas.blocks.get(block_id);
        return block ? [{ op: 'move', block_id, version: block.version, parent_id, after_id }] : [];
      });
    },

    remove(block_id) {
      flushTyping(block_id);
      canvas.drafts.delete(block_id);
      canvas.leaving.add(block_id);
      enqueue(() => {
        const block = canvas.blocks.get(block_id);
        if (!block) canvas.leaving.delete(block_id);
        return block ? [{ op: 'delete', block_id, version: block.version }] : [];
      });
    },

    /** After (re)connecting: what was not answered is sent again, as it was. */
    resume() {
      if (in_flight) in_flight.sent = false;
      pump();
    },

    /** The server has taken a mutation. The canvas has applied the ack already. */
    onAck({ mutation_id, ops }) {
      if (in_flight?.mutation_id !== mutation_id) return;
      for (const op of settle()) canvas.leaving.delete(op.block_id);
      for (const { block } of ops) {
        const wanted = block && canvas.drafts.get(block.id);
        if (!wanted) continue;
        if (isSame(wanted, { ...canvas.blocks.get(block.id), ...block })) canvas.drafts.delete(block.id);
        else wanted.version = block.version;
      }
      pump();
      onChange();
    },

    /** The server has not taken a mutation: its current block is shown, the person's text is handed back. */
    onConflict({ mutation_id, current }) {
      if (in_flight?.mutation_id !== mutation_id) return;
      const ops = settle();
      if (current) canvas.applyCurrent(current);
      giveBack(ops, 'Somebody else changed this line meanwhile.');
    },

    /** An error frame about a mutation. True when it was about ours. */
    onError({ ref, message, retry_after_ms = 0 }) {
      if (!in_flight || in_flight.mutation_id !== ref) return false;
      if (retry_after_ms) {
        in_flight.sent = false;
        setTimeout(transmit, retry_after_ms);
        return true;
      }
      giveBack(settle(), message);
      onLost();
      return true;
    },
  };

  function giveBack(ops, message) {
    for (const op of ops) {
      const wanted = canvas.drafts.get(op.block_id);
      flushTyping(op.block_id);
      canvas.drafts.delete(op.block_id);
      canvas.leaving.delete(op.block_id);
      canvas.pending.delete(op.block_id);
      const text = wanted?.content.text ?? op.content?.text ?? '';
      if (text !== (canvas.blocks.get(op.block_id)?.content.text ?? '')) {
        onRefused({ block_id: op.block_id, text, message });
      }
    }
    pump();
    onChange();
  }
}
