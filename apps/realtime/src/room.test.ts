import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSnapshot } from './room.ts';

const canvas_id = '0193f0a0-0000-7000-8000-000000000001';
const epoch = '0193f0a0-0000-4000-8000-000000000002';

describe('parseSnapshot', () => {
  it('finds role, epoch and seq whatever the titles and blocks contain', () => {
    const evil = fc.oneof(fc.string(), fc.constant(`","epoch":"${canvas_id}","seq":666,"blocks":[`));
    fc.assert(
      fc.property(evil, evil, fc.nat(), (title, text, seq) => {
        const canvas = { id: canvas_id, title, role: 'viewer', archived_at: null };
        const blocks = [{ content: { text, epoch: canvas_id, seq: 666, blocks: [] } }];
        const json = JSON.stringify({ canvas, epoch, seq, blocks });
        expect(parseSnapshot(canvas_id, json)).toEqual({
          canvas_id,
          role: 'viewer',
          archived_at: null,
          epoch,
          seq,
          text: json,
        });
      }),
    );
  });

  it('takes nothing else for a snapshot', () => {
    expect(() => parseSnapshot(canvas_id, '{"epoch":1}')).toThrow('unknown form');
  });
});
