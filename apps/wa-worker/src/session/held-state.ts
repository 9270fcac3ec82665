import { getLease, reportSession } from '@potentia/db/wa/session-queries';
import type { LeaseHolder } from '@potentia/db/wa/state-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import type { SessionSettings } from '@potentia/domain/whatsapp/schemas';
import type { WaWorkerContext } from '../context.ts';
import type { LogEnd } from '../state/session-log.ts';
import { openSessionState, type SessionState } from '../state/session-state.ts';
import { type Report, toChanges } from './report.ts';

/** The state of a held session: opened, dropped, and opened anew from what is durable; or why it cannot be. */
export class HeldState {
  readonly #context: Pick<WaWorkerContext, 'db' | 'log' | 'sealer'>;
  readonly #holder: LeaseHolder;
  readonly #onEnd: (end: LogEnd) => void;
  #state: SessionState | null = null;
  #problem: AppError | null = null;
  #is_over = false;

  /** `onEnd` is told when the log of the state that stands ends by itself. */
  constructor(
    context: Pick<WaWorkerContext, 'db' | 'log' | 'sealer'>,
    holder: LeaseHolder,
    onEnd: (end: LogEnd) => void,
  ) {
    this.#context = context;
    this.#holder = holder;
    this.#onEnd = onEnd;
  }

  get now(): SessionState | null {
    return this.#state;
  }
  /** Why there is none: `worker.credentials_lost`, `worker.credentials_sealed`. */
  get problem(): AppError | null {
    return this.#problem;
  }
  /** Throws `problem`, or that the session is closed. */
  get(): SessionState {
    if (this.#state) return this.#state;
    throw this.#problem ?? closed();
  }

  /**
   * Takes the lease and reads what is durable. Throws `lease.lost` and `platform.database_unavailable`. Credentials that cannot be read are
   * a problem, of which the API is told.
   */
  async open(settings: SessionSettings | null): Promise<void> {
    this.end();
    this.#state = null;
    this.#problem = null;
    try {
      const state = await openSessionState(this.#context, this.#holder, settings);
      if (this.#is_over) {
        state.log.end('closed');
        throw closed();
      }
      this.#state = state;
      state.log.onEnd((end) => end !== 'closed' && state === this.#state && this.#onEnd(end));
    } catch (error) {
      if (!(error instanceof AppError) || !error.code.startsWith('worker.credentials_')) throw error;
      this.#problem = error;
      const changes = toChanges(this.failure());
      await fromDb(() => reportSession(this.#context.db, this.#holder, changes));
    }
  }

  /** What `problem` is to the API's card. */
  failure(): Report {
    return { status: 'failed', reason: this.#problem?.code.replace('worker.', '') ?? null };
  }

  /** A fresh look at the lease, before each socket: who lost it must not put the owner out. Throws `lease.lost`. */
  async look(): Promise<void> {
    if (!this.#state || this.#state.log.ended) return this.open(null);
    if (!(await this.isOwner())) throw new AppError('conflict', 'lease.lost', 'Another worker holds this session.');
  }

  async isOwner(): Promise<boolean> {
    const { session_id, generation, worker_id } = this.#holder;
    const lease = await fromDb(() => getLease(this.#context.db, session_id));
    return lease?.generation === generation && lease.worker_id === worker_id;
  }

  /** Appends what the API is to know, where there is something to append it to. */
  tell(report: Report): void {
    if (this.#state && !this.#state.log.ended) void this.#state.log.append({ session: toChanges(report) });
  }

  /** Drops what is not durable; `open` goes on. */
  end(): void {
    this.#state?.log.end('closed');
  }

  /** For good. */
  close(): void {
    this.#is_over = true;
    this.end();
  }
}

const closed = () => new AppError('unavailable', 'worker.session_closed', 'The session was closed on this worker.');
