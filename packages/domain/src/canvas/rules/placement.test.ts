import { describe, expect, it } from 'vitest';
import { listGaps, rankOps, type Gap, type NamedOp } from './placement.ts';

const create = (block_id: string, place: { parent_id?: string | null; after_id?: string | null } = {}): NamedOp => ({
  op: 'create',
  block_id,
  type: 'divider',
  content: {},
  parent_id: null,
  ...place,
});
const gap = (after_id: string | null, after_rank: string | null, before_rank: string | null): Gap => ({
  after_id,
  after_rank,
  before_id: before_rank && `before ${before_rank}`,
  before_rank,
});
const order = (ops: NamedOp[], gaps: (Gap | null)[]): string[] =>
  [...rankOps(ops, gaps)].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([index]) => ops[index]?.block_id ?? '');

describe('placement', () => {
  it('looks up each gap once, and none beside or inside what the batch makes', () => {
    const ops = [
      create('a'),
      create('b'),
      create('c', { after_id: 'a' }),
      create('d', { parent_id: 'a', after_id: null }),
      create('e', { after_id: 'old' }),
      create('f', { after_id: null }),
      { op: 'delete', block_id: 'x', version: 1 } as const,
    ];
    expect(listGaps(ops)).toEqual([
      { parent_id: null },
      { parent_id: null, after_id: 'old' },
      { parent_id: null, after_id: null },
    ]);
  });

  it('orders a batch as its operations say, though they name one gap in three ways', () => {
    const ops = [
      create('end'),
      create('after old', { after_id: 'old' }),
      create('after that', { after_id: 'after old' }),
      create('very end'),
      create('right after old', { after_id: 'old' }),
    ];
    const at_end = gap('old', 'a3', null);
    expect(order(ops, [at_end, at_end])).toEqual(['right after old', 'after old', 'after that', 'end', 'very end']);
  });

  it('gives no rank to what follows a block that is not there, nor to what follows that', () => {
    const ops = [create('a', { after_id: 'gone' }), create('b', { after_id: 'a' }), create('c', { after_id: 'c' })];
    expect(rankOps(ops, [null, null]).size).toBe(0);
  });

  it('gives no rank below a new block after a sibling of elsewhere', () => {
    const ops = [
      create('a'),
      create('b', { parent_id: 'a', after_id: 'old' }),
      create('c', { parent_id: 'a', after_id: 'a' }),
    ];
    expect([...rankOps(ops, [gap(null, null, null)]).keys()]).toEqual([0]);
  });

  it('gives a copy a place as its own id, so that others can follow it, and none to what should stand inside it', () => {
    const copy: NamedOp = { op: 'copy', block_id: 'old', copy_id: 'new', parent_id: null };
    const ops = [copy, create('a', { after_id: 'new' }), create('b', { parent_id: 'new' })];
    expect(listGaps(ops)).toEqual([{ parent_id: null }, { parent_id: 'new' }]);
    const ranks = rankOps(ops, [gap('x', 'a5', null), gap(null, null, null)]);
    expect([...ranks.keys()].sort()).toEqual([0, 1]);
    expect((ranks.get(0) ?? '') < (ranks.get(1) ?? '')).toBe(true);
  });

  it('keeps the end of the top level ready for what comes out of the trash', () => {
    const restore: NamedOp = { op: 'restore', block_id: 'x' };
    expect(listGaps([restore])).toEqual([{ parent_id: null }]);
    const ranks = rankOps([restore, create('a'), restore], [gap('z', 'a5', null)]);
    expect([ranks.get(0), ranks.get(1), ranks.get(2)]).toEqual(['a6', 'a7', 'a8']);
  });
});
