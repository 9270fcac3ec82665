import type { Socket } from 'node:net';
import type { Logger } from '@potentia/config/logger';
import { type Claims, CLOCK_TOLERANCE_MS, type TokenVerifier } from '@potentia/domain/auth/verify-token';
import type { UserCtx } from '@potentia/domain/platform/ctx';
import { AppError } from '@potentia/domain/platform/errors';
import { newId } from '@potentia/domain/platform/uuid';
import type { z } from 'zod';
import type { Member, Opening } from './feed.ts';
import {
  type CanvasFrame,
  type CloseReason,
  close_codes,
  errorFrame,
  FrameError,
  type MeFrame,
  parseFrame,
} from './frames.ts';
import type { SocketLimits } from './limits.ts';
import type { HubMetrics } from './metrics.ts';
import { ClientSocket, type RawSocket, type TurnWriter } from './socket.ts';

/** How long before its token ends a client is asked for a fresh one. */
const EXPIRING_MS = 60_000;
/** Frames of one client, and their characters, that wait for their turn; then its socket is not read until half are done. */
const MAX_INBOX = { frames: 64, characters: 512 * 1024 };

/** Codes of ours, and those that RFC 6455 gives a meaning here. */
const KNOWN_CODES = new Set<number>([...Object.values(close_codes), 1001, 1002, 1005, 1006, 1007, 1008, 1009]);

/** What every session needs of the process. */
export interface SessionDeps {
  log: Logger;
  verifier: TokenVerifier;
  limits: SocketLimits;
  metrics: HubMetrics;
  writer: TurnWriter;
  ping_interval_ms: number;
  createCtx(user_id: string, request_id: string): UserCtx;
}

/** Who has connected, from where, as the handshake found out. */
export interface Identity {
  claims: Claims;
  ip: string;
  request_id: string;
}

export interface Connection {
  ws: RawSocket;
  tcp: Socket;
}

type State = 'joining' | 'live' | 'closing';

/**
 * One client on one socket: takes its frames strictly in order, one at a time, keeps its token fresh and its connection
 * alive. What the frames mean is up to the two kinds of session.
 */
export abstract class Session<Frame extends CanvasFrame | MeFrame = CanvasFrame | MeFrame> implements Member {
  readonly session_id = newId();
  readonly socket: ClientSocket;
  readonly user_id: string;
  protected readonly deps: SessionDeps;
  protected readonly identity: Identity;
  protected readonly log: Logger;
  protected state: State = 'joining';
  #claims: Claims;
  /** Null stands for a frame that is not text. */
  #inbox: Array<string | null> = [];
  #inbox_characters = 0;
  #working: Promise<void> | undefined;
  #paused = false;
  #warned = false;
  #pinged_at: number;

  constructor(deps: SessionDeps, identity: Identity, connection: Connection) {
    this.deps = deps;
    this.identity = identity;
    this.user_id = identity.claims.user_id;
    this.#claims = identity.claims;
    // Spread over the interval, so that a thousand clients of one deploy are not pinged in one turn.
    this.#pinged_at = Date.now() - Math.random() * deps.ping_interval_ms;
    this.log = deps.log.child({ session_id: this.session_id, user_id: this.user_id, request_id: identity.request_id });
    this.socket = new ClientSocket({
      ...connection,
      writer: deps.writer,
      events: {
        onText: (text) => this.#receive(text),
        onBinary: () => this.#receive(null),
        onSlow: () => this.close('slow_consumer'),
        onShed: (frames) => deps.metrics.shed.inc(frames),
        onClosed: (code) => this.#closed(code),
      },
    });
  }

  protected get name(): string | null {
    return this.#claims.name;
  }

  protected get claims(): Claims {
    return this.#claims;
  }

  /** The workspace that this session's frames are counted for; null: the person. */
  protected abstract readonly workspace_id: string | null;
  /** The frames that clients of this kind may send. */
  protected abstract readonly schema: z.ZodType<Frame>;
  /** Answers one frame. What it throws becomes an error frame. */
  protected abstract handle(frame: Frame): Promise<void>;
  /** The socket is gone. */
  protected abstract onClosed(): void;
  abstract open(first: boolean): Promise<Opening>;

  onFailed(error: unknown): void {
    if (this.state === 'closing') return;
    const unavailable = error instanceof AppError && error.kind === 'unavailable';
    if (!unavailable) this.log.error({ err: error }, 'a session could not start');
    this.close('unavailable');
  }

  /** Called once a second: token, heartbeat. */
  tick(now: number): void {
    if (!this.socket.open) return;
    const left = this.#claims.expires_at - now;
    // An API key ends by our own clock, a token by its issuer's.
    if (left <= (this.#claims.api_key ? 0 : -CLOCK_TOLERANCE_MS)) return this.close('token_expired');
    if (left <= EXPIRING_MS && !this.#warned) {
      this.#warned = true;
      this.socket.send(JSON.stringify({ type: 'auth.expiring', expires_at: this.#expiresAt() }));
    }
    if (now - this.#pinged_at < this.deps.ping_interval_ms) return;
    if (this.socket.unanswered_pings >= 2) {
      this.log.debug('a silent client is cut');
      return this.socket.terminate();
    }
    this.#pinged_at = now;
    this.socket.ping();
  }

  close(reason: CloseReason, text: string = reason): void {
    this.state = 'closing';
    this.socket.close(close_codes[reason], text);
  }

  /** Finishes the frame under way, takes no other, and sends the client elsewhere. */
  async drain(): Promise<void> {
    this.state = 'closing';
    this.#dropInbox();
    await this.#working;
    this.close('draining');
  }

  /** Answers that a frame was refused or failed; what is our fault is logged. */
  protected fail(error: unknown, ref: string | null): void {
    if (!(error instanceof AppError)) this.log.error({ err: error }, 'a frame failed');
    this.socket.send(errorFrame(error, ref));
  }

  /** Throws `ws.rate_limited` when this client does more of `event` than it may. */
  protected async take(event: string, cost = 1): Promise<void> {
    await this.deps.limits.take(
      { workspace_id: this.workspace_id, user_id: this.user_id, ip: this.identity.ip },
      event,
      cost,
    );
  }

  /** The frames that both kinds of session know. */
  protected async handleCommon(frame: MeFrame): Promise<void> {
    await this.take(frame.type);
    if (frame.type === 'leave') {
      this.close('left');
      return;
    }
    if (frame.type === 'auth') return this.#renew(frame.token);
    this.socket.send(JSON.stringify({ type: 'pong', ref: frame.ref ?? null, server_time: new Date().toISOString() }));
  }

  async #renew(token: string): Promise<void> {
    const claims = await this.deps.verifier.verify(token);
    if (claims.user_id !== this.user_id) {
      throw new AppError('forbidden', 'auth.other_user', 'The token is of another person');
    }
    this.#claims = claims;
    this.#warned = false;
    this.socket.send(JSON.stringify({ type: 'auth.ok', expires_at: this.#expiresAt() }));
  }

  #expiresAt(): string {
    return new Date(this.#claims.expires_at).toISOString();
  }

  #receive(text: string | null): void {
    if (this.state === 'closing') return;
    this.#inbox.push(text);
    this.#inbox_characters += text?.length ?? 0;
    // Not an error: the client is held back by TCP and every frame is answered, in its turn.
    if (!this.#paused && this.#inboxFill() >= 1) {
      this.#paused = true;
      this.socket.pause();
    }
    this.#working ??= this.#work();
  }

  #dropInbox(): void {
    this.#inbox = [];
    this.#inbox_characters = 0;
  }

  #inboxFill(): number {
    return Math.max(this.#inbox.length / MAX_INBOX.frames, this.#inbox_characters / MAX_INBOX.characters);
  }

  async #work(): Promise<void> {
    // Nothing may run before the caller has noted that work is under way: a frame can fail without ever waiting.
    await Promise.resolve();
    for (let text = this.#inbox.shift(); text !== undefined; text = this.#inbox.shift()) {
      this.#inbox_characters -= text?.length ?? 0;
      await this.#answer(text);
      if (this.#paused && this.#inboxFill() <= 0.5 && this.socket.open) {
        this.#paused = false;
        this.socket.resume();
      }
    }
    this.#working = undefined;
  }

  async #answer(text: string | null): Promise<void> {
    let ref: string | null = null;
    try {
      const frame = parseFrame(this.schema, text);
      ref = 'ref' in frame ? (frame.ref ?? null) : null;
      this.deps.metrics.frames_in.inc({ type: frame.type });
      await this.handle(frame);
    } catch (error) {
      this.fail(error, error instanceof FrameError ? error.ref : ref);
      if (error instanceof FrameError) await this.take('invalid').catch(() => this.close('protocol_abuse'));
    }
  }

  #closed(code: number): void {
    this.state = 'closing';
    this.#inbox = [];
    // A client can close with any of four thousand codes, which must not become as many series.
    this.deps.metrics.closed.inc({ code: KNOWN_CODES.has(code) ? String(code) : 'other' });
    this.onClosed();
  }
}
