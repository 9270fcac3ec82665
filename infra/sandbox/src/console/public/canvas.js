const inOrder = (a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.id < b.id ? -1 : 1);

/**
 * A canvas as this client knows it: the blocks that the server has confirmed at `seq`, and what the person has done since
 * (`drafts`: type and content that lines will have, and the version they were made on; lines that are `pending` creation;
 * lines that are `leaving`).
 */
export function createCanvas() {
  const blocks = new Map();
  /** Events that came before their turn, by seq. */
  const held = new Map();
  const drafts = new Map();
  const pending = new Map();
  const leaving = new Set();

  function applyOps(ops) {
    for (const op of ops) {
      if (op.op === 'delete') {
        for (const id of op.block_ids) blocks.delete(id);
        dropBelow();
      } else if (op.blocks) {
        // Copies, what came from another canvas, and what came out of the trash.
        for (const block of op.blocks) blocks.set(block.id, block);
      } else {
        // A block that was moved comes without its content.
        blocks.set(op.block.id, { ...blocks.get(op.block.id), ...op.block });
        pending.delete(op.block.id);
      }
    }
  }

  /** Of a large subtree that was deleted, an event names the first block alone. */
  function dropBelow() {
    for (let before = -1; before !== blocks.size;) {
      before = blocks.size;
      for (const { id, parent_id } of blocks.values()) if (parent_id && !blocks.has(parent_id)) blocks.delete(id);
    }
  }

  /** The same order in shorter ranks. */
  function applyRanks(ranks) {
    for (const [id, rank] of Object.entries(ranks)) if (blocks.has(id)) blocks.set(id, { ...blocks.get(id), rank });
  }

  function drain() {
    for (let next = held.get(canvas.seq + 1); next; next = held.get(canvas.seq + 1)) {
      const { seq, ops, payload } = next;
      canvas.seq = seq;
      held.delete(seq);
      applyOps(ops ?? payload?.ops ?? []);
      applyRanks(payload?.ranks ?? {});
      if (payload?.canvas) canvas.meta = { ...canvas.meta, ...payload.canvas };
    }
  }

  /** A block as the person sees it. */
  function shown(block) {
    const draft = block && drafts.get(block.id);
    return draft ? { ...block, type: draft.type, content: draft.content } : block;
  }

  /** Siblings by parent, in order, with what the person has just added or removed. */
  function families() {
    const children = new Map();
    const siblingsOf = (parent_id) => {
      if (!children.has(parent_id)) children.set(parent_id, []);
      return children.get(parent_id);
    };
    for (const block of blocks.values()) if (!leaving.has(block.id)) siblingsOf(block.parent_id).push(block);
    for (const siblings of children.values()) siblings.sort(inOrder);
    for (const block of pending.values()) {
      const siblings = siblingsOf(block.parent_id);
      const before = siblings.findIndex(({ id }) => id === block.after_id);
      const at = block.after_id === null ? 0 : before < 0 ? siblings.length : before + 1;
      siblings.splice(at, 0, block);
    }
    return children;
  }

  const canvas = {
    meta: null,
    epoch: null,
    seq: 0,
    blocks,
    drafts,
    pending,
    leaving,

    /** Takes the whole state. What the person has not sent yet stays. */
    applySnapshot(frame) {
      canvas.meta = frame.canvas;
      canvas.epoch = frame.epoch;
      canvas.seq = frame.seq;
      blocks.clear();
      for (const block of frame.blocks) blocks.set(block.id, block);
      for (const id of pending.keys()) if (blocks.has(id)) pending.delete(id);
      for (const [seq, { epoch }] of held) if (seq <= frame.seq || epoch !== frame.epoch) held.delete(seq);
      drain();
    },

    /**
     * Takes an event, or an ack, which carries the same: each `seq` once and in order, whichever comes first. `gap`: one
     * before it has not come yet. `stale`: it belongs to another epoch, only a snapshot helps.
     */
    applyChange(frame) {
      if (frame.epoch !== canvas.epoch) return 'stale';
      if (frame.seq <= canvas.seq) return 'known';
      held.set(frame.seq, frame);
      drain();
      return held.size > 0 ? 'gap' : 'applied';
    },

    /** Takes one block as the server says it stands. */
    applyCurrent(block) {
      const known = blocks.get(block.id);
      if (!known || known.version < block.version) blocks.set(block.id, block);
    },

    /** The lines as they are shown: `{ block, depth, number }`, parents before children, siblings by rank. */
    lines() {
      const children = families();
      const lines = [];
      const walk = (parent_id, depth) => {
        let number = 0;
        for (const block of (children.get(parent_id) ?? []).map(shown)) {
          const { style, start = 1 } = block.content;
          number = style === 'ordered' ? (number === 0 ? start : number + 1) : 0;
          lines.push({ block, depth, number });
          walk(block.id, depth + 1);
        }
      };
      walk(null, 0);
      return lines;
    },

    /** A line as the person sees it. */
    find: (id) => shown(blocks.get(id) ?? pending.get(id)),
  };
  return canvas;
}
