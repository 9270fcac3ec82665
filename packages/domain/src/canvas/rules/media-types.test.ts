import { describe, expect, it } from 'vitest';
import { canBeType, isListedType, safeType } from './media-types.ts';

const text = Buffer.from('hello');
const binary = Buffer.from([1, 0, 2]);

describe('isListedType', () => {
  it('takes a listed type, and one whose beginning is listed, and no other', () => {
    const types = ['image/png', 'audio/*', 'application/vnd.oasis.*'];
    expect(['image/png', 'audio/ogg', 'application/vnd.oasis.text'].every((type) => isListedType(type, types))).toBe(
      true,
    );
    expect(['image/svg+xml', 'image/pngx', 'text/html', 'audi'].some((type) => isListedType(type, types))).toBe(false);
  });
});

it.each(['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/javascript', 'application/xml'])(
  'hands %s out as bytes',
  (type) => expect(safeType(type)).toBe('application/octet-stream'),
);
it.each(['image/png', 'text/plain', 'application/pdf'])('hands %s out as it is', (type) =>
  expect(safeType(type)).toBe(type),
);

it.each<[string, string | null, Uint8Array, boolean]>([
  ['image/png', 'image/png', binary, true],
  ['image/png', 'image/jpeg', binary, false],
  ['image/png', null, text, false],
  ['application/pdf', 'application/x-elf', binary, false],
  ['text/plain', null, text, true],
  ['text/plain', null, binary, false],
  ['text/plain', 'image/png', binary, false],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'application/zip', binary, true],
  ['application/zip', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', binary, false],
  ['audio/mp4', 'video/mp4', binary, true],
  ['application/octet-stream', null, binary, true],
])('%s that looks like %s: %#', (declared, seen, head, good) => expect(canBeType(declared, seen, head)).toBe(good));
