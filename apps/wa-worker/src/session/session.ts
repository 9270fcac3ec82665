import type { Logger } from '@potentia/config/logger';
import { type LeaseHolder, releaseLease } from '@potentia/db/wa/state-queries';
import { AppError } from '@potentia/domain/platform/errors';
import type { CloseDecision } from '@potentia/domain/whatsapp/rules/close-codes';
import type { SessionSettings, SessionStatus } from '@potentia/domain/whatsapp/schemas';
import { jidDecode, type WASocket } from '@whiskeysockets/baileys';
import type { WaWorkerContext } from '../context.ts';
import type { OutputGate } from '../state/output-gate.ts';
import type { LogEnd } from '../state/session-log.ts';
import type { SessionState } from '../state/session-state.ts';
import { type BaileysCaches, connectionOptions } from './baileys-options.ts';
import { Connection } from './connection.ts';
import type { Dials } from './dials.ts';
import { HeldState } from './held-state.ts';
import { clearAttempt, type CodeNotice, isLinked, type Login, Pairing } from './pairing.ts';
import type { PartRunner } from './part-runner.ts';
import type { HeldSession } from './parts.ts';
import { Reconnection } from './reconnection.ts';
import { isSame, type Report } from './report.ts';
import { within } from './within.ts';

export interface SessionOptions {
  context: WaWorkerContext;
  parts: PartRunner;
  caches: BaileysCaches;
  dials: Dials;
  holder: LeaseHolder;
  /** Whether the leases of this process were renewed lately. */
  isFresh: () => boolean;
  /** Called once, when the session is not this process's any more. */
  onEnded: () => void;
}

/** Who noticed that a session is another worker's. */
export type LostBy = 'renewal' | 'write' | 'api' | 'look';

/** What is wanted of the connection beside that there is one. */
export interface Wish {
  login: Login | null;
  /** Of WhatsApp's web client; null: as configured. */
  version: string | null;
}

/** How long what was decided may take to be durable when a session is given up. */
const WRITTEN_MS = 2_000;
/** Until what could not be decided is decided again. */
const AGAIN_MS = 30_000;
/** Until a code that could not be shown is shown again. */
const CODE_AGAIN_MS = 1_000;

/** A session that this process holds: it keeps a socket open for as long as one is wanted, and says what becomes of it. */
export class Session implements HeldSession {
  readonly session_id: string;
  readonly worker_id: string;
  readonly generation: number;
  readonly log: Logger;
  readonly #options: SessionOptions;
  readonly #held: HeldState;
  readonly #pairing: Pairing;
  readonly #reconnection: Reconnection;
  #settings: SessionSettings = {};
  #connection: Connection | null = null;
  /** Resolves when the attempt that is under way has come to something. */
  #dialing: PromiseWithResolvers<void> | null = null;
  /** The QR code of now, of which a late attempt to show it must not speak any more when there is another. */
  #qr: string | null = null;
  #wish: Wish = { login: null, version: null };
  #is_wanted = false;
  #is_settling = false;
  #has_ended = false;
  #status: SessionStatus = 'disconnected';
  /** What the log has of it. */
  #told: Report | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: SessionOptions) {
    const { context, holder } = options;
    const { live_codes, timings } = context;
    this.#options = options;
    this.session_id = holder.session_id;
    this.worker_id = holder.worker_id;
    this.generation = holder.generation;
    this.log = context.log.child({ session_id: holder.session_id, generation: holder.generation });
    this.#held = new HeldState(context, holder, (end) => this.#logEnded(end));
    this.#pairing = new Pairing({ live_codes, session_id: holder.session_id, qr_ms: timings.qr_ms });
    this.#reconnection = new Reconnection(timings.backoff_ms);
  }

  get settings(): SessionSettings {
    return this.#settings;
  }
  /** Throws why it could not be read: `worker.credentials_lost`, `worker.credentials_sealed`. */
  get state(): SessionState {
    return this.#held.get();
  }
  get status(): SessionStatus {
    return this.#status;
  }
  get sock(): WASocket | null {
    return this.#connection?.sock ?? null;
  }
  get gate(): OutputGate | null {
    return this.#connection?.gate ?? null;
  }
  get is_open(): boolean {
    return this.#connection?.is_open ?? false;
  }
  get is_sending(): boolean {
    return this.is_open && !this.#is_settling && !this.#has_ended && this.#options.isFresh();
  }
  get is_linked(): boolean {
    return isLinked(this.#held.now?.creds ?? null);
  }
  get is_wanted(): boolean {
    return this.#is_wanted;
  }
  get has_ended(): boolean {
    return this.#has_ended;
  }

  expectAck(message_id: string): void {
    this.#connection?.expectAck(message_id);
  }

  /** Takes the lease. Throws `lease.lost` and `platform.database_unavailable`; credentials that cannot be read are its status. */
  open(settings: SessionSettings | null): Promise<void> {
    return this.serially(() => this.#open(settings));
  }

  /** From now on a socket is wanted; a first one is tried at once. */
  connect(wish: Partial<Wish> = {}): void {
    this.#wish = { ...this.#wish, ...wish };
    this.#is_wanted = true;
    this.#reconnection.begin();
    this.#try();
  }

  changeSettings(settings: SessionSettings): void {
    this.#settings = settings;
  }

  /** The same by another way to link it than the one that is under way, which ends. */
  async connectAnew(wish: Partial<Wish>): Promise<void> {
    await this.serially(() => this.hangUp());
    this.connect(wish);
  }

  /** What is wanted now. */
  get wish(): Wish {
    return this.#wish;
  }

  /** Links anew, by a code for the phone with this number; resolves when the API can read it. Throws `worker.linked`, `worker.no_code`, and as `state`. */
  async requestCode(phone: string): Promise<CodeNotice> {
    await this.serially(async () => {
      if (this.is_linked) throw new AppError('conflict', 'worker.linked', 'The session is linked already.');
      if (this.#held.problem) throw this.#held.problem;
      await this.hangUp();
    });
    const code = this.#pairing.nextCode();
    this.connect({ login: { by: 'pairing_code', phone } });
    return code;
  }

  /** Gives the session up in order: what is under way settles, and the socket closes. The API is told of `report`. */
  release(report?: Report): Promise<void> {
    return this.serially(async () => {
      await this.hangUp();
      if (report) this.tell(report);
      await this.letGo();
    });
  }

  /** Another worker has it: nothing is written and nothing leaves from now on. */
  lose(by: LostBy): void {
    if (this.#has_ended) return;
    this.log.warn({ by }, 'the session is another worker’s');
    this.#options.context.metrics.countLost(by);
    this.end();
  }

  /** Whether it still is ours is not known: the socket goes, and comes back when it is. */
  suspend(): void {
    this.#connection?.destroy();
  }

  /** The last of its life in this process, whatever is under way. */
  end(): void {
    if (this.#has_ended) return;
    this.#has_ended = true;
    this.#is_wanted = false;
    this.#reconnection.cancel();
    this.#held.close();
    this.#connection?.destroy();
    this.#dialing?.resolve();
    this.#pairing.giveUp();
    this.#options.parts.run('onDropped', (part) => part.onDropped?.(this));
    this.#options.onEnded();
  }

  // For the commands that are files of their own.

  /** Runs `work` when what was given before has ended. What follows is to be called within it. */
  serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Waits for the login that is under way, and for no longer than `most_ms`; nothing is sent meanwhile. */
  async loggedIn(most_ms: number): Promise<void> {
    const was_settling = this.#is_settling;
    this.#is_settling = true;
    await within(this.#dialing?.promise, most_ms);
    this.#is_settling = was_settling;
  }

  /** Settles, closes, and wants no socket. */
  async hangUp(): Promise<void> {
    this.#is_wanted = false;
    this.#reconnection.cancel();
    const connection = this.#connection;
    if (!connection) return;
    const was_settling = this.#is_settling;
    this.#is_settling = true;
    if (connection.is_open) await this.#options.parts.stop(this, this.#options.context.timings.settle_ms);
    await connection.close();
    if (this.#connection === connection) this.#detach();
    this.#is_settling = was_settling;
    if (!this.is_linked) await this.#pairing.forget();
  }

  /** The lease is free afterwards, or ends by itself. */
  async letGo(): Promise<void> {
    if (this.#has_ended) return;
    await this.durable(WRITTEN_MS);
    await releaseLease(this.#options.context.db, this).catch(() => false);
    this.end();
  }

  /** Resolves when what was appended so far is durable, and after `most_ms` in any case. */
  async durable(most_ms: number): Promise<void> {
    await within(this.#held.now?.log.durable(), most_ms);
  }

  /** What is not durable by now is dropped; `reopen` goes on. */
  endLog(): void {
    this.#held.end();
  }

  /** Opens it anew, from what is durable. Throws as `open`. */
  reopen(): Promise<void> {
    return this.#open(null);
  }

  /** Says what has become of it, unless that is known. */
  tell(report: Report): void {
    if (this.#has_ended || isSame(this.#told, report)) return;
    this.#status = report.status;
    this.#told = report;
    this.log.info({ status: report.status, reason: report.reason, close_code: report.close_code }, 'session');
    this.#held.tell(report);
  }

  async #open(settings: SessionSettings | null): Promise<void> {
    await this.#held.open(settings);
    if (this.#held.problem) this.tell(this.#held.failure());
    this.#settings = this.#held.now?.settings ?? settings ?? {};
  }

  #logEnded(end: LogEnd): void {
    // What it had of us may be lost with it.
    this.#told = null;
    if (end === 'lease_lost') this.lose('write');
    else this.#connection?.destroy();
  }

  /** When its turn has come; the place is free again when something has come of it. */
  #try(): void {
    void this.#options.dials.run(async () => {
      await this.serially(() => this.#tryToConnect());
      await within(this.#dialing?.promise, this.#options.context.timings.connect_ms);
    });
  }

  async #tryToConnect(): Promise<void> {
    if (!this.#is_wanted || this.#connection || this.#has_ended) return;
    try {
      await this.#held.look();
      // In between, a command may have come, or the lease gone.
      if (this.is_wanted && this.#held.now) this.#dial(this.#held.now);
    } catch (error) {
      if (error instanceof AppError && error.code === 'lease.lost') this.lose('look');
      if (this.has_ended) return;
      this.log.warn({ err: error }, 'the session could not be connected');
      this.#again(this.#decideFor(null, null, 0), null);
    }
  }

  #dial(state: SessionState): void {
    const { context, parts, caches } = this.#options;
    const { login, version } = this.#wish;
    if (!isLinked(state.creds) && !login) {
      this.#is_wanted = false;
      return this.tell({ status: 'disconnected', reason: 'not_linked' });
    }
    const creds = state.creds ?? state.createCreds();
    clearAttempt(creds);
    this.#pairing.newSocket();
    if (this.#status !== 'connecting') this.tell({ status: 'connecting', reason: null });
    const began = performance.now();
    const connection = new Connection({
      state,
      socket: {
        ...connectionOptions(context, state, creds, version),
        ...caches.of(this.session_id),
        ...parts.socketOptions(this),
      },
      timings: context.timings,
      onSocket: (sock) => {
        sock.ws.on('CB:message', () => context.metrics.countMessage('in'));
        sock.ws.on('CB:ack,class:message', () => context.metrics.countMessage('out'));
        parts.run('onSocket', (part) => part.onSocket?.(sock, this));
      },
      events: {
        onQr: (text) => {
          this.#qr = text;
          void this.#showCode(connection, login ?? { by: 'qr' }, text);
        },
        onLinked: () => this.#linked(),
        onOpen: () => {
          context.metrics.observeOpen(performance.now() - began);
          this.#opened();
        },
        onName: (name) => this.tell({ ...this.#identity(), status: this.#status, reason: null, profile_name: name }),
        onCaughtUp: () => parts.run('onCaughtUp', (part) => part.onCaughtUp?.(this)),
        onDeaf: (sign) => {
          context.metrics.countDeaf(sign);
          this.log.warn({ sign }, 'the socket is open and deaf');
          connection.destroy();
        },
        onClose: (code) => this.#closed(connection, code),
      },
    });
    this.#connection = connection;
    this.#dialing = Promise.withResolvers();
    context.metrics.countConnect();
  }

  async #showCode(connection: Connection, login: Login, qr: string): Promise<void> {
    this.#dialing?.resolve();
    try {
      const notice = await this.#pairing.offer(login, qr, connection.sock);
      if (!notice || this.#connection !== connection) return;
      this.tell({ status: 'pairing', reason: login.by, qr: login.by === 'qr' ? notice : null });
    } catch (error) {
      // Its name alone: what failed was about the code.
      this.log.warn({ error: error instanceof Error ? error.name : 'unknown' }, 'a code could not be shown');
      setTimeout(() => {
        if (this.#connection === connection && this.#qr === qr) void this.#showCode(connection, login, qr);
      }, CODE_AGAIN_MS).unref();
    }
  }

  #linked(): void {
    this.#qr = null;
    this.tell({ ...this.#identity(), status: 'connecting', reason: 'linked', linked_at: new Date().toISOString() });
    void this.#pairing.forget();
  }

  #opened(): void {
    const name = this.#held.now?.creds?.me?.name ?? null;
    this.tell({ ...this.#identity(), status: 'connected', reason: null, profile_name: name });
    this.#dialing?.resolve();
    this.#options.parts.run('onOpen', (part) => part.onOpen?.(this));
  }

  #identity(): { phone?: string; lid?: string } {
    const me = this.#held.now?.creds?.me;
    const [phone, lid] = [jidDecode(me?.id)?.user, jidDecode(me?.lid)?.user];
    return { ...(phone && { phone }), ...(lid && { lid }) };
  }

  #detach(): void {
    this.#connection = null;
    this.#dialing?.resolve();
    this.#options.parts.run('onClosed', (part) => part.onClosed?.(this));
  }

  #closed(connection: Connection, code: number | null): void {
    if (this.#connection === connection) this.#detach();
    this.#options.context.metrics.countClose(code);
    const open_ms = connection.opened_at === null ? 0 : performance.now() - connection.opened_at;
    void this.serially(() => this.#follow(code, open_ms)).catch((error: unknown) => {
      this.log.error({ err: error }, 'what follows a close could not be done');
      this.#again({ next: 'reconnect', after_ms: AGAIN_MS, reason: 'connection_lost' }, code);
    });
  }

  #decideFor(code: number | null, is_owner: boolean | null, open_ms: number): CloseDecision {
    const closed = { code, is_linked: this.is_linked, had_code: this.#pairing.shown, is_owner };
    return this.#reconnection.decide(closed, open_ms);
  }

  /** What the policy says of a socket that has ended. */
  async #follow(code: number | null, open_ms: number): Promise<void> {
    if (!this.#is_wanted || this.#has_ended || this.#connection) return;
    const is_owner = code === 440 ? await this.#held.isOwner().catch(() => null) : null;
    const decision = this.#decideFor(code, is_owner, open_ms);
    if (decision.next === 'drop') this.lose('look');
    if (decision.next === 'reconnect') this.#again(decision, code);
    if (decision.next !== 'stop') return;
    if (decision.forget) {
      await this.#held.now?.forget();
      await this.reopen();
    }
    this.#is_wanted = false;
    this.#pairing.giveUp();
    this.tell({ status: decision.status, reason: decision.reason, close_code: code });
    await this.#pairing.forget();
  }

  #again(decision: CloseDecision, close_code: number | null): void {
    if (decision.next !== 'reconnect' || !this.#is_wanted || this.#has_ended) return;
    this.tell({ status: 'connecting', reason: decision.reason, close_code });
    this.#reconnection.later(decision.after_ms, () => this.#try());
  }
}
