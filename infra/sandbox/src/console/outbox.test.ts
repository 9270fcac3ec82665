import { describe, expect, it, vi } from 'vitest';
import { createCanvas } from './public/canvas.js';
import { createOutbox } from './public/outbox.js';

interface Mutation {
  mutation_id: string;
  ops: Record<string, unknown>[];
}

const block = (id: string, text: string, version = 1) => ({
  id,
  parent_id: null,
  rank: id,
  type: 'text',
  version,
  content: { text },
});

/** A person at a canvas with one line, whose server answers only when the test says so. */
function openOutbox() {
  const canvas = createCanvas();
  canvas.applySnapshot({ canvas: {}, epoch: 'e', seq: 0, blocks: [block('a', 'one')] });
  const sent: Mutation[] = [];
  const state = { connected: true };
  const onRefused = vi.fn();
  const onLost = vi.fn();
  const outbox = createOutbox({
    canvas,
    send: (frame: Mutation) => state.connected && sent.push(frame) > 0,
    onChange: () => undefined,
    onRefused,
    onLost,
  });
  const ack = (seq: number, ...blocks: ReturnType<typeof block>[]) => {
    const frame = {
      mutation_id: sent.at(-1)?.mutation_id,
      epoch: 'e',
      seq,
      ops: blocks.map((each) => ({ op: 'edit', block: each })),
    };
    canvas.applyChange(frame);
    outbox.onAck(frame);
  };
  return { canvas, outbox, sent, state, ack, onRefused, onLost };
}

describe('typing', () => {
  it('is sent once when the person pauses, on the version that it was typed on', async () => {
    const { canvas, outbox, sent, ack } = openOutbox();
    outbox.type('a', 'one t');
    outbox.type('a', 'one two');
    expect(canvas.find('a').content.text).toBe('one two');
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.ops).toEqual([{ op: 'edit', block_id: 'a', version: 1, content: { text: 'one two' } }]);
    ack(1, block('a', 'one two', 2));
    expect([canvas.drafts.size, outbox.hasWork()]).toEqual([0, false]);
  });

  it('that went on while the last text was on its way is sent after it, on the version that came back', async () => {
    const { outbox, sent, ack } = openOutbox();
    outbox.type('a', 'x');
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    outbox.type('a', 'xy');
    ack(1, block('a', 'x', 2));
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]?.ops).toMatchObject([{ version: 2, content: { text: 'xy' } }]);
  });

  it('on a version that somebody has changed is sent as such, and the conflict hands the text back', async () => {
    const { canvas, outbox, sent, onRefused } = openOutbox();
    outbox.type('a', 'mine');
    canvas.applyChange({ epoch: 'e', seq: 1, ops: [{ op: 'edit', block: block('a', 'theirs', 2) }] });
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.ops).toMatchObject([{ version: 1 }]);
    outbox.onConflict({ mutation_id: sent[0]?.mutation_id, current: block('a', 'theirs', 2) });
    expect(canvas.find('a').content.text).toBe('theirs');
    expect(onRefused).toHaveBeenCalledWith(expect.objectContaining({ block_id: 'a', text: 'mine' }));
  });

  it('in a line that was deleted meanwhile is handed back', async () => {
    const { canvas, outbox, sent, onRefused } = openOutbox();
    outbox.type('a', 'mine');
    canvas.applyChange({ epoch: 'e', seq: 1, ops: [{ op: 'delete', block_id: 'a', block_ids: ['a'] }] });
    await vi.waitFor(() => expect(onRefused).toHaveBeenCalledWith(expect.objectContaining({ text: 'mine' })));
    expect(sent).toEqual([]);
  });

  it('that ends where it began sends nothing', async () => {
    const { canvas, outbox, sent } = openOutbox();
    outbox.type('a', 'one!');
    outbox.type('a', 'one');
    await vi.waitFor(() => expect(canvas.drafts.size).toBe(0));
    expect(sent).toEqual([]);
  });
});

describe('mutations', () => {
  it('go one at a time, so that an edit follows the creation of its line', () => {
    const { canvas, outbox, sent, ack } = openOutbox();
    const id: string = outbox.create({ parent_id: null, after_id: 'a', type: 'text', content: { text: '' } });
    outbox.edit(id, { type: 'quote', content: { text: 'q' } });
    expect(sent).toHaveLength(1);
    ack(1, block(id, '', 1));
    expect(canvas.pending.size).toBe(0);
    expect(sent[1]?.ops).toEqual([{ op: 'edit', block_id: id, version: 1, type: 'quote', content: { text: 'q' } }]);
  });

  it('keep their id over a reconnect until they are answered', () => {
    const { outbox, sent, state, ack } = openOutbox();
    state.connected = false;
    outbox.remove('a');
    expect(sent).toEqual([]);
    state.connected = true;
    outbox.resume();
    outbox.resume();
    expect(sent.map(({ mutation_id }) => mutation_id)).toEqual([sent[0]?.mutation_id, sent[0]?.mutation_id]);
    ack(1);
    outbox.resume();
    expect(sent).toHaveLength(2);
  });

  it('that the server cannot take yet are sent again, others are given up and the canvas is asked for', async () => {
    const { canvas, outbox, sent, onLost } = openOutbox();
    outbox.remove('a');
    const ref = sent[0]?.mutation_id;
    expect(outbox.onError({ ref, message: 'slow down', retry_after_ms: 1 })).toBe(true);
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]?.mutation_id).toBe(ref);
    expect(outbox.onError({ ref, message: 'no' })).toBe(true);
    expect(onLost).toHaveBeenCalledOnce();
    expect([canvas.leaving.size, outbox.hasWork(), outbox.onError({ ref, message: 'no' })]).toEqual([0, false, false]);
  });

  it('that move a line being typed in let the text follow on the version that came back', async () => {
    const { canvas, outbox, sent } = openOutbox();
    outbox.move('a', null, null);
    outbox.type('a', 'typed');
    const { content: _unchanged, ...moved } = block('a', 'one', 2);
    const ack = { mutation_id: sent[0]?.mutation_id, epoch: 'e', seq: 1, ops: [{ op: 'move', block: moved }] };
    canvas.applyChange(ack);
    outbox.onAck(ack);
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]?.ops).toEqual([{ op: 'edit', block_id: 'a', version: 2, content: { text: 'typed' } }]);
  });

  it('move a line as it stands', () => {
    const { outbox, sent } = openOutbox();
    outbox.move('a', null, null);
    outbox.move('gone', null, null);
    expect(sent[0]?.ops).toEqual([{ op: 'move', block_id: 'a', version: 1, parent_id: null, after_id: null }]);
  });
});
