import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { HEAD_BYTES, readHead, sniffType } from './sniff-type.ts';

const bytes = (hex: string, more = 0): Buffer => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(more, 7)]);

it.each([
  ['a picture', bytes('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 50), 'image/png'],
  ['sound behind a long cover', bytes('49443304000000ff7f7f', 4_000), 'audio/mpeg'],
  ['a zip of which little is seen', bytes('504b030414', 20), 'application/zip'],
  ['a program', bytes('7f454c460201010000000000000000000200', 60), 'application/x-elf'],
])('knows %s', async (_what, head, type) => expect(await sniffType(head)).toBe(type));

it('knows nothing of text', async () => expect(await sniffType(Buffer.from('hello'))).toBeNull());

it('reads no more of a stream than it needs', async () => {
  let given = 0;
  const stream = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc((given += 1_000) && 1_000);
    })(),
  );
  expect(await readHead(stream)).toHaveLength(HEAD_BYTES);
  expect(stream.destroyed).toBe(true);
  expect(given).toBeLessThan(100_000);
});
