import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { checkContent, MAX_CONTENT_BYTES, typesThatRefuse } from './rules/content.ts';
import { canWrite, hasRole } from './rules/roles.ts';
import * as schemas from './schemas.ts';

const uuid = '0197f7a0-0000-7000-8000-000000000001';
const create = (type: string, content: unknown, rest: object = {}) => ({
  canvas_id: uuid,
  mutation_id: uuid,
  ops: [{ op: 'create', type, content, ...rest }],
});

function faultsOf(input: unknown): string[] {
  try {
    parseInput(schemas.mutateBlocksInput, input);
    return [];
  } catch (error) {
    return (error as { meta: { errors: { pointer: string }[] } }).meta.errors.map(({ pointer }) => pointer);
  }
}

describe('a mutation', () => {
  it.each([
    ['text', { text: 'a' }],
    ['heading', { text: 'a', level: 2 }],
    ['list', { text: 'a', style: 'ordered', start: 3 }],
    ['todo', { text: 'a', checked: false }],
    ['code', { text: 'a', language: 'ts' }],
    ['divider', {}],
    ['table', { rows: [['a'], ['b']], align: ['left'] }],
    ['image', { url: 'docs/a.png' }],
    ['image', { url: 'data:image/png;base64,AA==' }],
    ['embed', { url: 'https://v.test' }],
    ['kanban', { anything: [{ goes: null }] }],
  ])('takes a %s', (type, content) => {
    expect(faultsOf(create(type, content))).toEqual([]);
  });

  it.each([
    ['a NUL byte', create('text', { text: 'a\0' }), ['/ops/0/content/text']],
    ['a NUL byte in a field name of an unknown type', create('x', { 'a\0': 1 }), ['/ops/0/content']],
    ['a lone surrogate', create('x', { a: ['\ud800'] }), ['/ops/0/content/a/0']],
    ['an unknown field of a known type', create('text', { text: 'a', color: 1 }), ['/ops/0/content/color']],
    ['a heading of level 9', create('heading', { text: 'a', level: 9 }), ['/ops/0/content/level']],
    ['a script as a link', create('embed', { url: ' JavaScript:alert(1)' }), ['/ops/0/content/url']],
    ['a document as an image', create('image', { url: 'data:text/html,x' }), ['/ops/0/content/url']],
    ['an unknown field of an operation', create('text', { text: 'a' }, { rank: 'a0' }), ['/ops/0/rank']],
    ['content that is a list', create('x', [1]), ['/ops/0/content']],
    ['a bad type', create('<b>', {}), ['/ops/0/type']],
    ['a bad id', create('text', { text: 'a' }, { after_id: '1' }), ['/ops/0/after_id']],
    ['no operations', { canvas_id: uuid, mutation_id: uuid, ops: [] }, ['/ops']],
    ['an unknown operation', { canvas_id: uuid, mutation_id: uuid, ops: [{ op: 'drop' }] }, ['/ops/0/op']],
    [
      'version 0',
      { canvas_id: uuid, mutation_id: uuid, ops: [{ op: 'delete', block_id: uuid, version: 0 }] },
      ['/ops/0/version'],
    ],
  ])('refuses %s and points at it', (_name, input, pointers) => {
    expect(faultsOf(input)).toEqual(pointers);
  });

  it('refuses content beyond 64 KB, and deeper than 16 levels', () => {
    const parts = Array.from({ length: 3 }, () => 'x'.repeat(MAX_CONTENT_BYTES / 3));
    expect(faultsOf(create('x', { parts }))).toEqual(['/ops/0/content']);
    let deep: unknown = 1;
    for (let i = 0; i < 20; i++) deep = { a: deep };
    expect(faultsOf(create('x', { deep }))).toHaveLength(1);
  });

  it('reads ids in lower case', () => {
    const upper = { ...create('text', { text: 'a' }), canvas_id: uuid.toUpperCase() };
    expect(parseInput(schemas.mutateBlocksInput, upper).canvas_id).toBe(uuid);
  });
});

describe('presence', () => {
  const faults = (cursor: unknown) =>
    (schemas.presenceBody.safeParse({ cursor }).error?.issues ?? []).map(({ message }) => message);

  it('holds any small JSON', () => {
    for (const cursor of [null, 1, 'a', { block_id: uuid, at: [1, 2] }]) expect(faults(cursor)).toEqual([]);
    expect(schemas.presenceBody.safeParse({}).success).toBe(true);
    expect(faults('x'.repeat(2_048))).toEqual(['Larger than 2048 characters']);
    expect(faults(['\ud800'])).toEqual(['Contains a lone surrogate']);
  });

  it('refuses what is nested deeper than any stack as bad input, not by failing', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const deep = JSON.parse(`${open.repeat(100_000)}1${close.repeat(100_000)}`) as unknown;
      expect(faults(deep)).toEqual(['Nested deeper than 16']);
    }
  });
});

describe('content of an edit that names no type', () => {
  it('is checked for what every block must keep, and tells which types refuse it', () => {
    expect(typesThatRefuse({ text: 'a' })).not.toContain('text');
    expect(typesThatRefuse({ text: 'a' })).toEqual(expect.arrayContaining(['heading', 'todo', 'table', 'image']));
    expect(checkContent('text', { text: 1 })).toEqual([expect.objectContaining({ path: ['text'] })]);
  });
});

describe('schemas', () => {
  it('can all be written as JSON Schema', () => {
    for (const schema of Object.values(schemas)) {
      if (schema instanceof z.ZodType) expect(z.toJSONSchema(schema, { io: 'input' })).toBeTypeOf('object');
    }
  });
});

describe('roles', () => {
  it('are ordered, and an archived canvas is read-only for all', () => {
    expect(hasRole('admin', 'editor')).toBe(true);
    expect(hasRole('commenter', 'editor')).toBe(false);
    expect(canWrite('editor', null)).toBe(true);
    expect(canWrite('viewer', null)).toBe(false);
    expect(canWrite('owner', '2026-01-01T00:00:00Z')).toBe(false);
  });
});
