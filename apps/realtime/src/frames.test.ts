import { AppError } from '@potentia/domain/platform/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canvasFrameSchema, errorFrame, FrameError, meFrameSchema, mutationErrorFrame, parseFrame } from './frames.ts';

const mutation_id = '0193f0a0-0000-7000-8000-000000000001';

function refusal(text: string): FrameError {
  try {
    parseFrame(canvasFrameSchema, text);
  } catch (error) {
    if (error instanceof FrameError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('parseFrame', () => {
  it('takes every frame of the protocol', () => {
    const frames = [
      { type: 'mutate', mutation_id, ops: [{ op: 'delete' }], request_id: 'request-0001' },
      { type: 'presence', cursor: { x: 1, y: 2 }, selection: null, name: 'Ada' },
      { type: 'snapshot' },
      { type: 'auth', token: 'a.b.c' },
      { type: 'ping', ref: 'r1' },
      { type: 'leave' },
    ];
    for (const frame of frames) expect(parseFrame(canvasFrameSchema, JSON.stringify(frame))).toEqual(frame);
  });

  it('names what is wrong, and the frame by its own id', () => {
    expect(refusal('{').code).toBe('frame.invalid_json');
    expect(refusal('{"type":"drop_tables","ref":"r1"}')).toMatchObject({ code: 'frame.unknown_type', ref: 'r1' });
    expect(refusal('[]').code).toBe('frame.invalid');
    expect(refusal('null').code).toBe('frame.invalid');
    const extra = refusal(JSON.stringify({ type: 'mutate', mutation_id, ops: [], admin: true }));
    expect(extra).toMatchObject({ code: 'frame.invalid', ref: mutation_id });
    expect(extra.meta.errors).toEqual([{ pointer: '/admin', message: 'Unknown field' }]);
    expect(refusal(JSON.stringify({ type: 'mutate', mutation_id: 'x', ops: [] })).meta.errors?.[0]?.pointer).toBe(
      '/mutation_id',
    );
  });

  it('refuses presence that is too big to be sent around', () => {
    expect(refusal(JSON.stringify({ type: 'presence', cursor: 'x'.repeat(5_000) })).code).toBe('frame.invalid');
  });

  it('refuses fields that could reach a prototype, however they are written, and only those', () => {
    const mutate = (content: string) =>
      `{"type":"mutate","mutation_id":"${mutation_id}","ops":[{"op":"create","type":"x","content":${content}}]}`;
    for (const content of [
      '{"__proto__":{"a":1}}',
      '{"a":[{"__proto__":null}]}',
      '{"\\u005f_proto__":1}',
      '{"\\u005F\\u005F\\u0070roto__":1}',
      '{"constructor":{"prototype":{}}}',
    ]) {
      expect(refusal(mutate(content))).toMatchObject({ code: 'frame.invalid', ref: mutation_id });
    }
    for (const content of ['{"text":"__proto__"}', '{"constructor":"Ford"}', '{"text":"\\u0041"}']) {
      expect(parseFrame(canvasFrameSchema, mutate(content))).toMatchObject({ type: 'mutate' });
    }
  });

  it('refuses nesting that is deeper than the stack', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(refusal(`{"type":"presence","cursor":${deep}}`)).toMatchObject({ code: 'frame.invalid' });
  });

  it('does not let a canvas frame through on the personal channel', () => {
    expect(() => parseFrame(meFrameSchema, JSON.stringify({ type: 'mutate', mutation_id, ops: [] }))).toThrow(
      FrameError,
    );
  });

  it('answers any text with a frame or a FrameError, never anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((v) => JSON.stringify({ type: 'mutate', ops: v })),
        ),
        (text) => {
          try {
            parseFrame(canvasFrameSchema, text);
          } catch (error) {
            expect(error).toBeInstanceOf(FrameError);
            expect(() => JSON.parse(errorFrame(error, null)) as unknown).not.toThrow();
          }
        },
      ),
    );
  });
});

describe('error frames', () => {
  it('carries the current block of a conflict', () => {
    const error = new AppError('conflict', 'block.version_conflict', 'stale', { op_index: 2, current: { id: 'b' } });
    expect(JSON.parse(mutationErrorFrame(error, mutation_id))).toEqual({
      type: 'conflict',
      mutation_id,
      code: 'block.version_conflict',
      op_index: 2,
      current: { id: 'b' },
    });
  });

  it('carries when to retry', () => {
    const error = new AppError('limit', 'rate_limited', 'Slow down', { retry_after_ms: 250 });
    expect(JSON.parse(errorFrame(error, 'r1'))).toMatchObject({ ref: 'r1', code: 'rate_limited', retry_after_ms: 250 });
  });

  it('says nothing of a fault of ours', () => {
    expect(errorFrame(new Error('password=hunter2'), null)).not.toContain('hunter2');
  });
});
