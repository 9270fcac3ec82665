import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';

/** Above this much unsent, ephemeral frames are left out; a stuck reader must not cost the hub its memory. */
const SHED_BYTES = 256 * 1024;
/** Above this much unsent beside the largest frame it was sent, the reader is given up. */
const LIMIT_BYTES = 8 * 1024 * 1024;
/** Closing handshakes that take longer are cut. */
export const CLOSE_TIMEOUT_MS = 3_000;

/** One unmasked text frame (RFC 6455, 5.2), final and uncompressed. */
export function encodeTextFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = 0x81;
  if (header === 2) frame[1] = length;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, header);
  return frame;
}

/**
 * The frames of one turn that many sockets get alike: each is encoded once, all are joined once, every socket writes the
 * same bytes. Sealed by the first write, or when somebody joins or leaves who must not get the rest of them.
 */
export class FrameGroup {
  readonly droppable: boolean;
  #frames: Buffer[] = [];
  #joined: Buffer | undefined;
  #sealed = false;

  constructor(options: { droppable: boolean }) {
    this.droppable = options.droppable;
  }

  get sealed(): boolean {
    return this.#sealed;
  }

  seal(): void {
    this.#sealed = true;
  }

  add(text: string): void {
    this.#frames.push(encodeTextFrame(text));
  }

  bytes(): Buffer {
    this.#sealed = true;
    const [only] = this.#frames;
    this.#joined ??= only && this.#frames.length === 1 ? only : Buffer.concat(this.#frames);
    this.#frames = [];
    return this.#joined;
  }
}

/** Writes at the end of the event loop's turn what all sockets were given during it. */
export class TurnWriter {
  readonly #waiting = new Set<ClientSocket>();
  #scheduled = false;

  schedule(socket: ClientSocket): void {
    this.#waiting.add(socket);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    const sockets = [...this.#waiting];
    this.#waiting.clear();
    for (const socket of sockets) socket.flush();
  }
}

/** What is used of a socket of `ws`. */
export type RawSocket = Pick<
  WebSocket,
  'on' | 'ping' | 'pause' | 'resume' | 'close' | 'terminate' | 'readyState' | 'OPEN'
>;

export interface SocketEvents {
  onText(text: string): void;
  /** A frame that is not text. */
  onBinary(): void;
  onSlow(): void;
  onShed(frames: number): void;
  onClosed(code: number): void;
}

/**
 * One client's connection, and the only place that knows `ws`. Data frames go past `ws` straight to the TCP socket, one
 * write per turn; control frames are left to `ws`, which writes them whole and at once while compression is off, so the
 * two never mix within a frame.
 */
export class ClientSocket {
  readonly #ws: RawSocket;
  readonly #tcp: Socket;
  readonly #writer: TurnWriter;
  readonly #events: SocketEvents;
  #parts: Array<Buffer | FrameGroup> = [];
  #unanswered = 0;
  #paused = false;
  /** Bytes of the largest part so far: a snapshot over the limit is no reason to give its reader up. */
  #largest = 0;
  #closed = false;

  constructor(options: { ws: RawSocket; tcp: Socket; writer: TurnWriter; events: SocketEvents }) {
    this.#ws = options.ws;
    this.#tcp = options.tcp;
    this.#writer = options.writer;
    this.#events = options.events;
    this.#ws.on('message', (data, is_binary) => this.#onMessage(data, is_binary));
    this.#ws.on('pong', () => this.#heard());
    this.#ws.on('ping', () => this.#heard());
    this.#ws.on('close', (code) => this.#onClose(code));
  }

  /** Pings since the client was last heard. A paused client cannot be heard. */
  get unanswered_pings(): number {
    return this.#paused ? 0 : this.#unanswered;
  }

  get open(): boolean {
    return !this.#closed && this.#ws.readyState === this.#ws.OPEN;
  }

  /** Sends one frame to this client alone, after everything it was given before. */
  send(text: string): void {
    this.#push(encodeTextFrame(text));
  }

  /** Sends this client its share of a group; frames added to the group later in the turn are included. */
  sendGroup(group: FrameGroup): void {
    this.#push(group);
  }

  ping(): void {
    if (!this.open) return;
    this.#unanswered += 1;
    this.#ws.ping();
  }

  /** Stops reading: TCP then holds the client back, and nothing it sends is lost. */
  pause(): void {
    this.#paused = true;
    this.#ws.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#unanswered = 0;
    this.#ws.resume();
  }

  /** Sends what is waiting, then closes. `reason` has at most 123 bytes. */
  close(code: number, reason: string): void {
    if (!this.open) return;
    this.flush();
    if (this.#paused) this.resume();
    this.#ws.close(code, reason);
    this.#closed = true;
  }

  /** Cuts the connection without a closing handshake. */
  terminate(): void {
    this.#closed = true;
    this.#ws.terminate();
  }

  flush(): void {
    const parts = this.#parts;
    if (parts.length === 0) return;
    this.#parts = [];
    if (!this.open) return;
    const congested = this.#tcp.writableLength > SHED_BYTES;
    const kept = congested ? parts.filter((part) => !(part instanceof FrameGroup && part.droppable)) : parts;
    if (kept.length < parts.length) this.#events.onShed(parts.length - kept.length);
    if (kept.length > 1) this.#tcp.cork();
    for (const part of kept) {
      const bytes = part instanceof FrameGroup ? part.bytes() : part;
      this.#largest = Math.max(this.#largest, bytes.length);
      this.#tcp.write(bytes);
    }
    if (kept.length > 1) this.#tcp.uncork();
    if (this.#tcp.writableLength > LIMIT_BYTES + this.#largest) this.#events.onSlow();
  }

  #push(part: Buffer | FrameGroup): void {
    if (!this.open) return;
    this.#parts.push(part);
    this.#writer.schedule(this);
  }

  #onMessage(data: RawData, is_binary: boolean): void {
    this.#heard();
    if (this.#closed) return;
    if (is_binary) return this.#events.onBinary();
    // With the default `binaryType` a text message is one Buffer.
    this.#events.onText((data as Buffer).toString('utf8'));
  }

  #onClose(code: number): void {
    this.#closed = true;
    this.#parts = [];
    this.#events.onClosed(code);
  }

  #heard(): void {
    this.#unanswered = 0;
  }
}
