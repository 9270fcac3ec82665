import { renewLeases } from '@potentia/db/wa/state-queries';
import type { WaWorkerContext } from '../context.ts';
import type { Session } from './session.ts';

/**
 * Prolongs the leases of all held sessions, in one statement. It tells soon that one was lost; that nothing is written without one is
 * Postgres' part. While it does not work nothing is sent.
 */
export class Leases {
  readonly #context: Pick<WaWorkerContext, 'db' | 'log' | 'timings'>;
  readonly #sessions: () => Iterable<Session>;
  #renewed_at = performance.now();
  #is_away = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #is_stopped = false;

  constructor(context: Pick<WaWorkerContext, 'db' | 'log' | 'timings'>, sessions: () => Iterable<Session>) {
    this.#context = context;
    this.#sessions = sessions;
  }

  /** Whether they were renewed lately enough to send. */
  get is_fresh(): boolean {
    return performance.now() - this.#renewed_at < this.#context.timings.stop_sending_ms;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.renew().finally(() => {
        if (!this.#is_stopped) this.start();
      });
    }, this.#context.timings.renew_ms);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#is_stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** One round; never rejects. */
  async renew(): Promise<void> {
    const { db, log, timings } = this.#context;
    const held = [...this.#sessions()];
    const began = performance.now();
    try {
      const workers = [...new Set(held.map(({ worker_id }) => worker_id))];
      const renewed = await Promise.all(workers.map((worker_id) => renewLeases(db, worker_id, timings.lease_ms)));
      const ours = new Set(renewed.flat().map(({ session_id, generation }) => `${session_id} ${generation}`));
      this.#renewed_at = began;
      if (this.#is_away) log.info('the leases are renewed again');
      this.#is_away = false;
      for (const session of held) if (!ours.has(`${session.session_id} ${session.generation}`)) session.lose('renewal');
    } catch (error) {
      if (!this.#is_away) log.warn({ err: error }, 'the leases could not be renewed');
      this.#is_away = true;
      if (!this.is_fresh) for (const session of held) session.suspend();
    }
  }
}
