import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A checksum of what streams by. */
export interface Checksum {
  update(chunk: Uint8Array): void;
  /** Base64, as headers carry it. */
  digest(): string;
}

const hashing = (algorithm: string) => (): Checksum => {
  const hash = createHash(algorithm);
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('base64') };
};

function base64OfUint32(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}

function startCrc32(): Checksum {
  let value = 0;
  return {
    update(chunk) {
      value = crc32(chunk, value);
    },
    digest: () => base64OfUint32(value),
  };
}

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function startCrc32c(): Checksum {
  let value = 0xffffffff;
  return {
    update(chunk) {
      for (const byte of chunk) value = (CRC32C_TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
    },
    digest: () => base64OfUint32(value ^ 0xffffffff),
  };
}

const STARTERS: Record<string, () => Checksum> = {
  'x-amz-checksum-crc32': startCrc32,
  'x-amz-checksum-crc32c': startCrc32c,
  'x-amz-checksum-sha1': hashing('sha1'),
  'x-amz-checksum-sha256': hashing('sha256'),
  'content-md5': hashing('md5'),
};

/** The headers and trailers that carry a checksum which can be checked here. */
export const isChecksum = (name: string): boolean => Object.hasOwn(STARTERS, name);

/** Starts the checksum that a header or trailer of this name carries. */
export function startChecksum(name: string): Checksum {
  const start = STARTERS[name];
  if (!start) throw new Error(`no checksum ${name}`);
  return start();
}
