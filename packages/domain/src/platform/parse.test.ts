import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hashJson } from './canonical-json.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { parseInput } from './parse.ts';
import { derivedId } from './uuid.ts';

const schema = z.strictObject({ 'a/b': z.int(), list: z.array(z.strictObject({ 'x~y': z.string() })) });

describe('parseInput', () => {
  it('points at each fault, unknown fields too, in RFC 6901', () => {
    const input = { 'a/b': 'one', list: [{ 'x~y': 1, more: true }], extra: 1 };
    expect(() => parseInput(schema, input)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        code: 'request.invalid',
        meta: {
          errors: [
            expect.objectContaining({ pointer: '/a~1b' }),
            expect.objectContaining({ pointer: '/list/0/x~0y' }),
            { pointer: '/list/0/more', message: 'Unknown field' },
            { pointer: '/extra', message: 'Unknown field' },
          ],
        },
      }),
    );
  });

  it('answers at most 50 faults', () => {
    const input = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field_${i}`, i]));
    try {
      parseInput(schema, input);
      expect.unreachable();
    } catch (error) {
      expect((error as { meta: { errors: unknown[] } }).meta.errors).toHaveLength(50);
    }
  });
});

describe('cursors', () => {
  const position = z.tuple([z.string(), z.int()]);

  it('read back as they were written', () => {
    expect(decodeCursor(position, encodeCursor(['ä', 7]))).toEqual(['ä', 7]);
  });

  it.each(['', '!', 'bnVsbA', encodeCursor([7, 'a']), encodeCursor({})])('of elsewhere (%j) are refused', (cursor) => {
    expect(() => decodeCursor(position, cursor)).toThrow(expect.objectContaining({ code: 'request.invalid' }));
  });
});

describe('hashes and ids of content', () => {
  it('do not depend on the order of fields', () => {
    expect(hashJson({ a: [1, { c: 1, b: 2 }], d: null })).toBe(hashJson({ d: null, a: [1, { b: 2, c: 1 }] }));
    expect(hashJson([1, 2])).not.toBe(hashJson([2, 1]));
  });

  it('are the same id for the same parts only', () => {
    expect(derivedId('a', 'b')).toBe(derivedId('a', 'b'));
    expect(derivedId('a', 'b')).not.toBe(derivedId('ab'));
    expect(derivedId('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
