import type { Logger } from '@potentia/config/logger';
import { getLease, reportSession } from '@potentia/db/wa/session-queries';
import { type LeaseHolder, releaseLease } from '@potentia/db/wa/state-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import { decideClose } from '@potentia/domain/whatsapp/rules/close-codes';
import type { SessionSettings, SessionStatus } from '@potentia/domain/whatsapp/schemas';
import { jidDecode, type WASocket } from '@whiskeysockets/baileys';
import type { WaWorkerContext } from '../context.ts';
import type { OutputGate } from '../state/output-gate.ts';
import type { LogEnd } from '../state/session-log.ts';
import { openSessionState, type SessionState } from '../state/session-state.ts';
import { type BaileysCaches, connectionOptions } from './baileys-options.ts';
import { Connection } from './connection.ts';
import { clearAttempt, type CodeNotice, isLinked, type Login, Pairing } from './pairing.ts';
import type { HeldSession } from './parts.ts';
import type { PartRunner } from './part-runner.ts';
import { isSame, type Report, toChanges } from './report.ts';

export interface SessionOptions {
  context: WaWorkerContext;
  parts: PartRunner;
  caches: BaileysCaches;
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

/** A socket that was open for so long was no failure. */
const STABLE_MS = 30_000;
const HOUR_MS = 3_600_000;
/** How long a command waits for a code to link with. */
const CODE_MS = 15_000;

/** A session that this process holds: it keeps a socket open for as long as one is wanted, and says what becomes of it. */
export class Session implements HeldSession {
  readonly session_id: string;
  readonly worker_id: string;
  readonly generation: number;
  readonly log: Logger;
  readonly #options: SessionOptions;
  readonly #pairing: Pairing;
  #settings: SessionSettings = {};
  #state: SessionState | null = null;
  /** Why there is no state. */
  #problem: AppError | null = null;
  #connection: Connection | null = null;
  #wish: Wish = { login: null, version: null };
  #is_wanted = false;
  #is_settling = false;
  #has_ended = false;
  #status: SessionStatus = 'disconnected';
  /** What the log has of it. */
  #told: Report | null = null;
  #retry: NodeJS.Timeout | undefined;
  #attempt = 0;
  #replaced_at: number[] = [];
  #shown: 'qr' | 'pairing_code' | null = null;
  #code: PromiseWithResolvers<CodeNotice> | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: SessionOptions) {
    const { context, holder } = options;
    this.#options = options;
    this.session_id = holder.session_id;
    this.worker_id = holder.worker_id;
    this.generation = holder.generation;
    this.log = context.log.child({ session_id: holder.session_id, generation: holder.generation });
    const { live_codes, timings } = context;
    this.#pairing = new Pairing({ live_codes, session_id: holder.session_id, qr_ms: timings.qr_ms });
  }

  get settings(): SessionSettings {
    return this.#settings;
  }
  /** Throws why it could not be read: `worker.credentials_lost`, `worker.credentials_sealed`. */
  get state(): SessionState {
    if (this.#state) return this.#state;
    throw this.#problem ?? closed();
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
    return isLinked(this.#state?.creds ?? null);
  }
  get is_wanted(): boolean {
    return this.#is_wanted;
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
    this.#attempt = 0;
    clearTimeout(this.#retry);
    void this.serially(() => this.#tryToConnect());
  }

  changeSettings(settings: SessionSettings): void {
    this.#settings = settings;
  }

  /** No socket is wanted any more: what is under way settles, and the one that there is closes. */
  disconnect(report: Report): Promise<void> {
    return this.serially(async () => {
      await this.hangUp();
      this.tell(report);
    });
  }

  /** Links anew, by a code for the phone with this number; resolves when the API can read it. Throws `worker.linked`, `worker.no_code`, and as `state`. */
  async requestCode(phone: string): Promise<CodeNotice> {
    if (this.is_linked) throw new AppError('conflict', 'worker.linked', 'The session is linked already.');
    if (this.#problem) throw this.#problem;
    const code = Promise.withResolvers<CodeNotice>();
    code.promise.catch(() => undefined);
    await this.serially(async () => {
      await this.hangUp();
      this.#code?.reject(noCode());
      this.#code = code;
    });
    this.connect({ login: { by: 'pairing_code', phone } });
    const timer = setTimeout(() => code.reject(noCode()), CODE_MS);
    return code.promise.finally(() => clearTimeout(timer));
  }

  /** Gives the session up in order. The lease is free afterwards, or ends by itself. */
  release(): Promise<void> {
    return this.serially(async () => {
      if (this.#has_ended) return;
      this.#is_settling = true;
      await this.hangUp();
      await this.durable(2_000);
      await releaseLease(this.#options.context.db, this).catch(() => false);
      this.end();
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
    clearTimeout(this.#retry);
    this.#state?.log.end('closed');
    this.#connection?.destroy();
    this.#code?.reject(noCode());
    this.#options.parts.run('onDropped', (part) => part.onDropped?.(this));
    this.#options.onEnded();
  }

  // For the commands that are files of their own; to be called within `serially`.

  /** Runs `work` when what was given before has ended. */
  serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Settles, closes, and wants no socket. */
  async hangUp(): Promise<void> {
    this.#is_wanted = false;
    clearTimeout(this.#retry);
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

  /** Resolves when what was appended so far is durable, and after `most_ms` in any case. */
  async durable(most_ms: number): Promise<void> {
    const written = this.#state?.log.durable().catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, most_ms);
    });
    await Promise.race([written, late]);
    clearTimeout(timer);
  }

  /** What is not durable by now is dropped; `reopen` goes on. */
  endLog(): void {
    this.#state?.log.end('closed');
  }

  /** Opens it anew, from what is durable. Throws as `open`. */
  async reopen(): Promise<void> {
    this.endLog();
    await this.#open(null);
  }

  /** Says what has become of it, unless that is known. */
  tell(report: Report): void {
    if (this.#has_ended || isSame(this.#told, report)) return;
    this.#status = report.status;
    this.#told = report;
    this.log.info({ status: report.status, reason: report.reason, close_code: report.close_code }, 'session');
    if (this.#state && !this.#state.log.ended) void this.#state.log.append({ session: toChanges(report) });
  }

  async #open(settings: SessionSettings | null): Promise<void> {
    const { context } = this.#options;
    this.#state = null;
    this.#problem = null;
    try {
      const state = await openSessionState(context, this, settings);
      if (this.#has_ended) {
        state.log.end('closed');
        throw closed();
      }
      this.#state = state;
      this.#settings = state.settings;
      state.log.onEnd((end) => this.#logEnded(state, end));
    } catch (error) {
      if (!(error instanceof AppError) || !error.code.startsWith('worker.credentials_')) throw error;
      this.#problem = error;
      const report: Report = { status: 'failed', reason: error.code.replace('worker.', '') };
      this.tell(report);
      await fromDb(() => reportSession(context.db, this, toChanges(report)));
    }
  }

  #logEnded(state: SessionState, end: LogEnd): void {
    if (state !== this.#state || end === 'closed') return;
    // What it had of us may be lost with it.
    this.#told = null;
    if (end === 'lease_lost') this.lose('write');
    else this.#connection?.destroy();
  }

  async #tryToConnect(): Promise<void> {
    if (!this.#is_wanted || this.#connection || this.#has_ended) return;
    try {
      await this.#look();
      // In between, a command may have come, or the lease gone.
      if (this.#is_wanted && !this.#has_ended && this.#state) this.#dial(this.#state);
    } catch (error) {
      if (error instanceof AppError && error.code === 'lease.lost') return this.lose('look');
      if (this.#has_ended) return;
      this.log.warn({ err: error }, 'the session could not be connected');
      this.#again(decideClose(this.#closedSocket(null, null), Math.random(), this.#scale()));
    }
  }

  /** A fresh look at the lease, before each socket: who lost it must not put the owner out. Throws `lease.lost`. */
  async #look(): Promise<void> {
    if (!this.#state || this.#state.log.ended) return this.#open(null);
    if (!(await this.#isOwner())) throw new AppError('conflict', 'lease.lost', 'Another worker holds this session.');
  }

  async #isOwner(): Promise<boolean> {
    const lease = await fromDb(() => getLease(this.#options.context.db, this.session_id));
    return lease?.generation === this.generation && lease.worker_id === this.worker_id;
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
    this.#shown = null;
    if (this.status !== 'connecting') this.tell({ status: 'connecting', reason: null });
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
        onQr: (text) => void this.#showCode(connection, text),
        onLinked: () => this.#linked(),
        onOpen: () => {
          context.metrics.observeOpen(performance.now() - began);
          this.#opened();
        },
        onName: (name) => this.tell({ ...this.#identity(), status: this.status, reason: null, profile_name: name }),
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
    context.metrics.countConnect();
  }

  async #showCode(connection: Connection, text: string): Promise<void> {
    const { login } = this.#wish;
    const by = login?.by ?? 'qr';
    // A pairing code lives as long as the socket, whatever QR codes pass meanwhile.
    if (by === 'pairing_code' && this.#shown) return;
    this.#shown = by;
    try {
      const code = login?.by === 'pairing_code' ? await connection.sock.requestPairingCode(login.phone) : text;
      const notice = await this.#pairing.show(by === 'qr' ? 'qr' : 'pairing', code);
      if (this.#connection !== connection) return;
      this.tell({ status: 'pairing', reason: by, qr: by === 'qr' ? notice : null });
      if (by === 'pairing_code') this.#code?.resolve(notice);
    } catch (error) {
      // Its name alone: what failed was about the code.
      this.log.warn({ error: error instanceof Error ? error.name : 'unknown' }, 'a code could not be shown');
    }
  }

  #linked(): void {
    this.tell({ ...this.#identity(), status: 'connecting', reason: 'linked', linked_at: new Date().toISOString() });
    void this.#pairing.forget();
  }

  #opened(): void {
    const name = this.#state?.creds?.me?.name ?? null;
    this.tell({ ...this.#identity(), status: 'connected', reason: null, profile_name: name });
    this.#options.parts.run('onOpen', (part) => part.onOpen?.(this));
  }

  #identity(): { phone?: string; lid?: string } {
    const me = this.#state?.creds?.me;
    const [phone, lid] = [jidDecode(me?.id)?.user, jidDecode(me?.lid)?.user];
    return { ...(phone && { phone }), ...(lid && { lid }) };
  }

  #detach(): void {
    this.#connection = null;
    this.#options.parts.run('onClosed', (part) => part.onClosed?.(this));
  }

  #closed(connection: Connection, code: number | null): void {
    if (this.#connection === connection) this.#detach();
    this.#options.context.metrics.countClose(code);
    const open_ms = connection.opened_at === null ? 0 : performance.now() - connection.opened_at;
    if (open_ms > STABLE_MS) this.#attempt = 0;
    void this.serially(() => this.#decide(code)).catch((error: unknown) => {
      this.log.error({ err: error }, 'what follows a close could not be done');
      this.#again({ next: 'reconnect', after_ms: STABLE_MS, reason: 'connection_lost' });
    });
  }

  #closedSocket(code: number | null, is_owner: boolean | null) {
    this.#replaced_at = this.#replaced_at.filter((at) => performance.now() - at < HOUR_MS);
    const counts = { attempt: this.#attempt, replaced: this.#replaced_at.length };
    return { code, is_linked: this.is_linked, had_code: this.#shown, is_owner, ...counts };
  }

  #scale() {
    return { first_ms: this.#options.context.timings.backoff_ms };
  }

  async #decide(code: number | null): Promise<void> {
    if (!this.#is_wanted || this.#has_ended || this.#connection) return;
    const is_owner = code === 440 ? await this.#isOwner().catch(() => null) : null;
    const decision = decideClose(this.#closedSocket(code, is_owner), Math.random(), this.#scale());
    if (code === 440) this.#replaced_at.push(performance.now());
    if (decision.next === 'drop') return this.lose('look');
    if (decision.next === 'reconnect') return this.#again(decision, code);
    if (decision.forget) {
      await this.#state?.forget();
      await this.reopen();
    }
    this.#is_wanted = false;
    this.#code?.reject(noCode());
    this.tell({ status: decision.status, reason: decision.reason, close_code: code });
    await this.#pairing.forget();
  }

  #again(decision: ReturnType<typeof decideClose>, close_code: number | null = null): void {
    if (decision.next !== 'reconnect' || !this.#is_wanted || this.#has_ended) return;
    this.#attempt += 1;
    this.tell({ status: 'connecting', reason: decision.reason, close_code });
    this.#retry = setTimeout(() => void this.serially(() => this.#tryToConnect()), decision.after_ms);
    this.#retry.unref();
  }
}

const closed = () => new AppError('unavailable', 'worker.session_closed', 'The session was closed on this worker.');
const noCode = () =>
  new AppError('unavailable', 'worker.no_code', 'WhatsApp gave no code to link with.', { retry_after_ms: 5_000 });
