import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { expectedVersion, isUnchanged } from './etag.ts';

const request = (headers: Record<string, string>) => ({ headers }) as unknown as FastifyRequest;

describe('If-Match', () => {
  it('names the version that the row must have', () => {
    expect(expectedVersion(request({ 'if-match': '"7"' }))).toBe(7);
  });

  it('may name a row that was not written yet, where there is such a one', () => {
    expect(expectedVersion(request({ 'if-match': '"0"' }), 0)).toBe(0);
  });

  it('demands nothing when it is absent or any', () => {
    expect(expectedVersion(request({}))).toBeNull();
    expect(expectedVersion(request({ 'if-match': '*' }))).toBeNull();
  });

  it.each(['W/"7"', '7', '"x"', '""', '"0"', '"007"'])(
    '%s matches no version, because only strong tags of ours can',
    (tag) => {
      expect(expectedVersion(request({ 'if-match': tag }))).toBeGreaterThan(2_000_000_000);
    },
  );

  it('refuses a list, of which only one could be meant', () => {
    expect(() => expectedVersion(request({ 'if-match': '"1", "2"' }))).toThrow(/more than one version/);
  });
});

describe('If-None-Match', () => {
  it.each([
    ['"a"', 'W/"a"', true],
    ['W/"a"', 'W/"a"', true],
    ['"b", W/"a"', 'W/"a"', true],
    ['*', '"a"', true],
    ['"b"', '"a"', false],
  ])('%s against %s: %s', (given, tag, unchanged) => {
    expect(isUnchanged(request({ 'if-none-match': given }), tag)).toBe(unchanged);
  });
});
