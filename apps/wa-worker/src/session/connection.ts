import '../state/crypto-fixes.ts';
import { EventEmitter } from 'node:events';
import makeWASocket, {
  type ConnectionState,
  type UserFacingSocketConfig,
  type WASocket,
} from '@whiskeysockets/baileys';
import type { WebSocket } from 'ws';
import { attachGate, type OutputGate } from '../state/output-gate.ts';
import type { SessionState } from '../state/session-state.ts';
import type { Timings } from './timings.ts';
import { type DeafSign, startWatchdog, type Watchdog } from './watchdog.ts';
import { within } from './within.ts';

/** What becomes of one socket. None is called after `onClose`. */
export interface ConnectionEvents {
  /** The text of a QR code; the one before is worth nothing any more. */
  onQr(text: string): void;
  /** The phone has linked this device. WhatsApp closes the socket then. */
  onLinked(): void;
  /** Logged in. */
  onOpen(): void;
  /** The account has told its name. */
  onName(name: string): void;
  /** What was queued while it was away has come in. */
  onCaughtUp(): void;
  onDeaf(sign: DeafSign): void;
  /** Once, and the last. Null: without a code. */
  onClose(code: number | null): void;
}

export interface ConnectionOptions {
  state: SessionState;
  socket: UserFacingSocketConfig;
  timings: Timings;
  /** Called when the socket was made, before it has received anything. */
  onSocket: (sock: WASocket) => void;
  events: ConnectionEvents;
}

/** What an orderly end may take: the last frames, and the other side's answer. */
const LAST_WORDS_MS = 1_000;
const REJECTED = Symbol.for('nodejs.rejection');

/** The life of one socket to WhatsApp, behind the gate of its session. */
export class Connection {
  readonly sock: WASocket;
  readonly gate: OutputGate;
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  #watchdog: Watchdog | null = null;
  #catch_up: NodeJS.Timeout | undefined;
  #is_caught_up = false;
  /** WhatsApp has said that nothing is queued any more; often before the login is through. */
  #is_queue_empty = false;
  #is_over = false;
  /** `performance.now()` of the login; null before it. */
  opened_at: number | null = null;

  /** Throws when the address is none. */
  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.sock = makeGuardedSocket(options.socket, () => this.destroy());
    this.#socket = (this.sock.ws as unknown as { socket: WebSocket }).socket;
    this.gate = attachGate(this.#socket, options.state.log);
    boundClosing(this.#socket);
    this.sock.ev.on('connection.update', (update) => this.#updated(update));
    this.sock.ev.on('creds.update', ({ me }) => {
      this.#saveCreds();
      if (me?.name && this.is_open) options.events.onName(me.name);
    });
    options.onSocket(this.sock);
  }

  get is_open(): boolean {
    return this.opened_at !== null && !this.#is_over;
  }

  expectAck(message_id: string): void {
    this.#watchdog?.expectAck(message_id);
  }

  /** Ends it in order: what was decided so far leaves, for a second at most. Nothing of it is reported. */
  async close(): Promise<void> {
    if (this.#is_over) return;
    this.#quiet();
    await within(this.gate.released(), LAST_WORDS_MS);
    this.#end();
  }

  /** Ends it at once, and reports that. */
  destroy(): void {
    if (!this.#is_over) this.#closed(null);
  }

  #updated({
    qr,
    isNewLogin,
    connection,
    receivedPendingNotifications,
    lastDisconnect,
  }: Partial<ConnectionState>): void {
    if (this.#is_over) return;
    const { events } = this.#options;
    if (qr) events.onQr(qr);
    if (isNewLogin) events.onLinked();
    if (connection === 'open') this.#opened();
    if (receivedPendingNotifications) {
      this.#is_queue_empty = true;
      this.#caughtUp();
    }
    if (connection === 'close') this.#closed(codeOf(lastDisconnect?.error));
  }

  #opened(): void {
    const { events, timings } = this.#options;
    this.opened_at = performance.now();
    this.#watchdog = startWatchdog(this.sock, timings, (sign) => events.onDeaf(sign));
    events.onOpen();
    if (this.#is_queue_empty) return this.#caughtUp();
    this.#catch_up = setTimeout(() => this.#caughtUp(), timings.catch_up_ms);
    this.#catch_up.unref();
  }

  /** The server does not always say so, and Baileys holds its events back until then. */
  #caughtUp(): void {
    if (this.#is_over || this.#is_caught_up || this.opened_at === null) return;
    this.#is_caught_up = true;
    clearTimeout(this.#catch_up);
    this.sock.ev.flush();
    this.#options.events.onCaughtUp();
  }

  /** Before the device is linked there is nothing that must outlive this process, and the pairing code must not. */
  #saveCreds(): void {
    const { state } = this.#options;
    if (!state.creds?.account) return;
    state.creds.pairingCode = undefined;
    state.saveCreds();
  }

  #closed(code: number | null): void {
    this.#quiet();
    this.#end();
    this.#options.events.onClose(code);
  }

  #quiet(): void {
    this.#is_over = true;
    this.#watchdog?.stop();
    clearTimeout(this.#catch_up);
  }

  #end(): void {
    this.gate.close();
    void this.sock.end(undefined).catch(() => undefined);
  }
}

/**
 * A socket of Baileys whose handlers cannot end the process: many of them are asynchronous and nobody waits for them, so what they throw
 * would be nobody's. `onBroken`: a frame could not be read, and none after it can.
 */
function makeGuardedSocket(options: UserFacingSocketConfig, onBroken: () => void): WASocket {
  const before = EventEmitter.captureRejections;
  // Each emitter takes over what stands here when it is made.
  EventEmitter.captureRejections = true;
  try {
    const sock = makeWASocket(options);
    Object.assign(sock.ws, {
      [REJECTED]: (_error: unknown, event: string) => {
        if (event === 'message' || event === 'open') onBroken();
      },
    });
    // What is behind `ev` is answered by its `on` alone.
    const { on } = sock.ev as unknown as { on: (event: string, listener: () => void) => EventEmitter };
    const emitter = on('connection.update', () => undefined);
    Object.assign(emitter, { [REJECTED]: () => undefined });
    return sock;
  } finally {
    EventEmitter.captureRejections = before;
  }
}

/** Whoever closes waits for the other side's answer, which one that is deaf does not give. */
function boundClosing(socket: WebSocket): void {
  const close = socket.close.bind(socket);
  socket.close = (...args) => {
    close(...args);
    const timer = setTimeout(() => {
      socket.terminate();
    }, LAST_WORDS_MS);
    timer.unref();
    socket.once('close', () => {
      clearTimeout(timer);
    });
  };
}

/** Of a Boom, as Baileys makes them. */
function codeOf(error: Error | undefined): number | null {
  const { output } = (error ?? {}) as { output?: { statusCode?: unknown } };
  return typeof output?.statusCode === 'number' ? output.statusCode : null;
}
