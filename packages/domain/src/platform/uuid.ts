import { createHash, randomUUIDv7 } from 'node:crypto';

/** A new id, ordered by time (RFC 9562, version 7). */
export const newId = (): string => randomUUIDv7();

/** The same id for the same parts, always (RFC 9562, version 8: SHA-256). */
export function derivedId(...parts: string[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
