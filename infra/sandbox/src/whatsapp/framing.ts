/** What a client sends first, before any frame: the dictionary's version is the last byte. */
export const PROLOGUE = Buffer.from([0x57, 0x41, 6, 3]);

const LENGTH_BYTES = 3;

function readLength(bytes: Buffer, offset: number): number {
  return bytes.readUIntBE(offset, LENGTH_BYTES);
}

/** A payload with its length in front (three bytes, big endian). */
export function encodeFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(LENGTH_BYTES + payload.length);
  frame.writeUIntBE(payload.length, 0, LENGTH_BYTES);
  frame.set(payload, LENGTH_BYTES);
  return frame;
}

/** Cuts the bytes of a connection into frames, however they were split into WebSocket messages. */
export class FrameReader {
  /** What the client was told by `edge_routing` at an earlier login; null when it names none. */
  routing_info: Buffer | null = null;
  #rest: Buffer = Buffer.alloc(0);
  #is_past_prologue = false;

  /** The frames that are complete now. Throws an `Error` on bytes that are no prologue. */
  push(bytes: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (!this.#is_past_prologue && !this.#readPrologue()) return [];
    const frames: Buffer[] = [];
    while (this.#rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + readLength(this.#rest, 0);
      if (this.#rest.length < end) break;
      frames.push(this.#rest.subarray(LENGTH_BYTES, end));
      this.#rest = this.#rest.subarray(end);
    }
    return frames;
  }

  #readPrologue(): boolean {
    let start = 0;
    if (this.#rest.subarray(0, 2).toString('latin1') === 'ED') {
      const header = 4 + LENGTH_BYTES;
      if (this.#rest.length < header) return false;
      start = header + readLength(this.#rest, 4);
      if (this.#rest.length < start) return false;
      this.routing_info = Buffer.from(this.#rest.subarray(header, start));
    }
    if (this.#rest.length < start + PROLOGUE.length) return false;
    if (!this.#rest.subarray(start, start + PROLOGUE.length).equals(PROLOGUE)) throw new Error('Not the prologue');
    this.#rest = this.#rest.subarray(start + PROLOGUE.length);
    this.#is_past_prologue = true;
    return true;
  }
}
