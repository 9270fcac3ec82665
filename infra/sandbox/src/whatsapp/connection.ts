import { type BinaryNode, decodeBinaryNode, encodeBinaryNode } from '@whiskeysockets/baileys';
import type { WebSocket } from 'ws';
import type { Account, Companion } from './account.ts';
import type { ServerIdentity } from './certificates.ts';
import { encodeFrame, FrameReader } from './framing.ts';
import { type NoiseClient, NoiseServer } from './noise.ts';
import { node, SERVER } from './nodes.ts';

export interface ConnectionHandler {
  /** The handshake is over. */
  opened(connection: Connection, client: NoiseClient): Promise<void>;
  received(connection: Connection, stanza: BinaryNode): Promise<void>;
  closed(connection: Connection): void;
}

/** One client's connection: frames, encryption, stanzas. Stanzas are handled one after the other. */
export class Connection {
  /** Who logged in; undefined before that, and while a device pairs. */
  device: { account: Account; companion: Companion } | undefined;
  /** It has said that it is ready for messages. */
  is_active = false;
  /** It is left without any answer, as by a server that died without closing. */
  is_silent = false;
  /** Milliseconds by which each stanza to the client is late. */
  delay_ms = 0;
  is_open = true;
  readonly #socket: WebSocket;
  readonly #reader = new FrameReader();
  readonly #noise: NoiseServer;
  readonly #handler: ConnectionHandler;
  #client: NoiseClient | undefined;
  #incoming: Promise<void> = Promise.resolve();
  #outgoing: Promise<void> | undefined;
  #said_hello = false;

  constructor(socket: WebSocket, identity: ServerIdentity, handler: ConnectionHandler) {
    this.#socket = socket;
    this.#noise = new NoiseServer(identity);
    this.#handler = handler;
    socket.on('message', (data: Buffer) => {
      this.#incoming = this.#incoming.then(() => this.#read(data)).catch(() => this.terminate());
    });
    socket.on('close', () => {
      this.is_open = false;
      handler.closed(this);
    });
    // A client that hangs up in the middle is no news; 'close' follows.
    socket.on('error', () => undefined);
  }

  /** What the client was told by `edge_routing` at an earlier login. */
  get routing_info(): Buffer | null {
    return this.#reader.routing_info;
  }

  async #read(data: Buffer): Promise<void> {
    for (const frame of this.#reader.push(data)) {
      if (!this.is_open) return;
      if (!this.#said_hello) {
        this.#socket.send(encodeFrame(this.#noise.hello(frame)));
        this.#said_hello = true;
      } else if (!this.#client) {
        this.#client = this.#noise.finish(frame);
        await this.#handler.opened(this, this.#client);
      } else {
        const stanza = await decodeBinaryNode(this.#noise.decrypt(frame));
        if (!this.is_silent) await this.#handler.received(this, stanza);
      }
    }
  }

  send(stanza: BinaryNode): void {
    if (this.delay_ms === 0 && !this.#outgoing) {
      this.#write(stanza);
      return;
    }
    const delay_ms = this.delay_ms;
    this.#outgoing = (this.#outgoing ?? Promise.resolve()).then(async () => {
      await new Promise((resolve) => setTimeout(resolve, delay_ms).unref());
      this.#write(stanza);
    });
  }

  #write(stanza: BinaryNode): void {
    if (!this.is_open || this.is_silent) return;
    this.#socket.send(encodeFrame(this.#noise.encrypt(encodeBinaryNode(stanza))));
  }

  /** Answers a request of the client. */
  reply(request: BinaryNode, content?: BinaryNode[]): void {
    this.send(node('iq', { from: request.attrs.to ?? SERVER, type: 'result', id: request.attrs.id }, content));
  }

  replyError(request: BinaryNode, code: number, text: string): void {
    const error = node('error', { code: String(code), text });
    this.send(node('iq', { from: request.attrs.to ?? SERVER, type: 'error', id: request.attrs.id }, [error]));
  }

  /** Says why, and closes. */
  closeWith(stanza: BinaryNode): void {
    this.#write(stanza);
    this.close();
  }

  close(): void {
    this.is_active = false;
    this.#socket.close();
  }

  /** Cuts the connection, as when a cable is pulled. */
  terminate(): void {
    this.is_active = false;
    this.#socket.terminate();
  }
}
