import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCanvas } from './public/canvas.js';

interface TestBlock {
  id: string;
  parent_id: string | null;
  rank: string;
  type: string;
  version: number;
  content: Record<string, unknown>;
}

const makeBlock = (id: string, rest: Partial<TestBlock> = {}): TestBlock => ({
  id,
  parent_id: null,
  rank: id,
  type: 'text',
  version: 1,
  content: { text: id },
  ...rest,
});
const snapshotOf = (blocks: TestBlock[], seq = 0) => ({ canvas: { title: 'T' }, epoch: 'e1', seq, blocks });
const edited = (seq: number, block: TestBlock) => ({ epoch: 'e1', seq, payload: { ops: [{ op: 'edit', block }] } });

function openCanvas(blocks: TestBlock[] = [], seq = 0) {
  const canvas = createCanvas();
  canvas.applySnapshot(snapshotOf(blocks, seq));
  const shown = () =>
    (canvas.lines() as { block: TestBlock; depth: number }[]).map(
      ({ block, depth }) => `${'>'.repeat(depth)}${block.id}`,
    );
  return { canvas, shown };
}

describe('the lines of a canvas', () => {
  it('stand by rank below their parents, whatever order they came in', () => {
    const { shown } = openCanvas([makeBlock('c', { parent_id: 'a' }), makeBlock('b'), makeBlock('a'), makeBlock('Z')]);
    expect(shown()).toEqual(['Z', 'a', '>c', 'b']);
  });

  it('count ordered items from their start, and begin anew after anything else', () => {
    const item = (id: string, start?: number) => makeBlock(id, { type: 'list', content: { style: 'ordered', start } });
    const { canvas } = openCanvas([item('a', 3), item('b'), makeBlock('c'), item('d')]);
    expect((canvas.lines() as { number: number }[]).map(({ number }) => number)).toEqual([3, 4, 0, 1]);
  });

  it('hold what the person has just added or removed', () => {
    const { canvas, shown } = openCanvas([makeBlock('a'), makeBlock('b')]);
    canvas.pending.set('p', { ...makeBlock('p'), after_id: 'a' });
    canvas.pending.set('q', { ...makeBlock('q'), after_id: 'p' });
    canvas.pending.set('r', { ...makeBlock('r'), after_id: null });
    canvas.pending.set('s', { ...makeBlock('s'), after_id: 'gone' });
    canvas.leaving.add('b');
    expect(shown()).toEqual(['r', 'a', 'p', 'q', 's']);
  });
});

describe('events', () => {
  it('that move a line leave its content, which they do not carry', () => {
    const { canvas, shown } = openCanvas([makeBlock('a'), makeBlock('b')]);
    const { content, ...moved } = makeBlock('a', { rank: 'c', version: 2 });
    canvas.applyChange({ epoch: 'e1', seq: 1, ops: [{ op: 'move', block: moved }] });
    expect(shown()).toEqual(['b', 'a']);
    expect(canvas.find('a')).toEqual({ ...moved, content });
  });

  it('that shorten ranks keep lines, versions and what the person is typing', () => {
    const { canvas, shown } = openCanvas([makeBlock('a', { rank: 'a0zzz1' }), makeBlock('b', { rank: 'a0zzz2' })]);
    canvas.drafts.set('a', { type: 'text', content: { text: 'draft' }, version: 1 });
    canvas.applyChange({ epoch: 'e1', seq: 1, payload: { parent_id: null, ranks: { a: 'a1', b: 'a2', c: 'a3' } } });
    expect(shown()).toEqual(['a', 'b']);
    expect(canvas.find('a')).toEqual({ ...makeBlock('a', { rank: 'a1' }), content: { text: 'draft' } });
    expect(canvas.blocks.has('c')).toBe(false);
    canvas.applyChange(edited(2, makeBlock('b', { rank: 'a0', version: 2 })));
    expect(shown()).toEqual(['b', 'a']);
  });

  it('are applied once and in order, in whatever order and however often they come', () => {
    const events = Array.from({ length: 8 }, (_, i) => edited(i + 1, makeBlock('a', { version: i + 2 })));
    const arrivals = fc.tuple(
      fc.shuffledSubarray(events, { minLength: events.length }),
      fc.array(fc.constantFrom(...events), { maxLength: 8 }),
    );
    fc.assert(
      fc.property(arrivals, ([all, again]) => {
        const { canvas } = openCanvas([makeBlock('a')]);
        for (const event of [...again, ...all, ...again]) canvas.applyChange(event);
        expect([canvas.seq, canvas.blocks.get('a').version]).toEqual([8, 9]);
      }),
    );
  });

  it('that come early wait for those before them, or for a snapshot', () => {
    const { canvas } = openCanvas([makeBlock('a')]);
    expect(canvas.applyChange(edited(2, makeBlock('a', { version: 3 })))).toBe('gap');
    expect(canvas.blocks.get('a').version).toBe(1);
    canvas.applySnapshot(snapshotOf([makeBlock('a', { version: 2 })], 1));
    expect([canvas.seq, canvas.blocks.get('a').version]).toEqual([2, 3]);
    expect(canvas.applyChange(edited(2, makeBlock('a')))).toBe('known');
  });

  it('of another epoch are stale', () => {
    const { canvas } = openCanvas();
    expect(canvas.applyChange({ ...edited(1, makeBlock('a')), epoch: 'e2' })).toBe('stale');
  });

  it('may be acks, which carry the same operations, and delete what they name', () => {
    const { canvas, shown } = openCanvas([makeBlock('a'), makeBlock('b', { parent_id: 'a' })]);
    expect(
      canvas.applyChange({ epoch: 'e1', seq: 1, ops: [{ op: 'delete', block_id: 'a', block_ids: ['a', 'b'] }] }),
    ).toBe('applied');
    expect(shown()).toEqual([]);
  });

  it('that copy or restore bring whole blocks', () => {
    const { canvas, shown } = openCanvas([makeBlock('a')]);
    const blocks = [makeBlock('b'), makeBlock('c', { parent_id: 'b' })];
    canvas.applyChange({ epoch: 'e1', seq: 1, ops: [{ op: 'copy', block_id: 'b', blocks }] });
    expect(shown()).toEqual(['a', 'b', '>c']);
    canvas.applyChange({ epoch: 'e1', seq: 2, ops: [{ op: 'delete', block_id: 'b', block_ids: ['b', 'c'] }] });
    canvas.applyChange({ epoch: 'e1', seq: 3, payload: { ops: [{ op: 'restore', block_id: 'b', blocks }] } });
    expect(shown()).toEqual(['a', 'b', '>c']);
  });

  it('that delete many name the first, and all below it goes', () => {
    const below = [makeBlock('b', { parent_id: 'a' }), makeBlock('c', { parent_id: 'b' })];
    const { canvas, shown } = openCanvas([...below.toReversed(), makeBlock('a'), makeBlock('d')]);
    canvas.applyChange({ epoch: 'e1', seq: 1, ops: [{ op: 'delete', block_id: 'a', block_ids: ['a'] }] });
    expect(shown()).toEqual(['d']);
    expect(canvas.blocks.size).toBe(1);
  });

  it('about the canvas itself change its title', () => {
    const { canvas } = openCanvas();
    canvas.applyChange({ epoch: 'e1', seq: 1, payload: { canvas: { title: 'New' } } });
    expect(canvas.meta).toEqual({ title: 'New' });
  });
});
