import { expect, it } from 'vitest';
import { requestId } from './request-id.ts';

it('keeps the correlation id of a client that sends a decent one', () => {
  expect(requestId({ headers: { 'x-request-id': 'abc_DEF-123' } })).toBe('abc_DEF-123');
});

it.each(['short', 'a'.repeat(65), 'has space', 'new\nline1', '<script>1'])(
  'makes one of its own instead of %j',
  (given) => {
    expect(requestId({ headers: { 'x-request-id': given } })).toMatch(/^[0-9a-f-]{36}$/);
  },
);
