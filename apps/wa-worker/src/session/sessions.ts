import { isDeepStrictEqual } from 'node:util';
import { type LeaseHolder } from '@potentia/db/wa/state-queries';
import { AppError } from '@potentia/domain/platform/errors';
import type { SessionSettings } from '@potentia/domain/whatsapp/schemas';
import type { WaWorkerContext } from '../context.ts';
import { type BaileysCaches, createBaileysCaches } from './baileys-options.ts';
import { Dials } from './dials.ts';
import { Leases } from './leases.ts';
import { createPartRunner, type PartRunner } from './part-runner.ts';
import type { HeldSessions, SessionPart } from './parts.ts';
import { Session, type Wish } from './session.ts';

/** What a command to hold a session says. */
export interface HoldCommand extends Wish {
  session_id: string;
  generation: number;
  settings: SessionSettings;
}

/** Sessions that connect side by side. */
const DIALS_AT_ONCE = 20;
/** Sessions that are given up side by side. */
const RELEASES_AT_ONCE = 50;

/** The sessions of this process. */
export class Sessions implements HeldSessions {
  readonly leases: Leases;
  readonly #context: WaWorkerContext;
  readonly #parts: PartRunner;
  readonly #caches: BaileysCaches = createBaileysCaches();
  readonly #dials = new Dials(DIALS_AT_ONCE);
  readonly #held = new Map<string, Session>();
  readonly #opening = new Map<string, Promise<unknown>>();
  #is_draining = false;

  constructor(context: WaWorkerContext, parts: readonly SessionPart[]) {
    this.#context = context;
    this.#parts = createPartRunner(parts, context.log);
    // One that is being opened may have no lease yet, and has not lost it therefore.
    this.leases = new Leases(context, () =>
      this.#held.values().filter(({ session_id }) => !this.#opening.has(session_id)),
    );
    context.metrics.watchSessions(() => [...this.all()].map(({ status }) => status));
  }

  get(session_id: string): Session | undefined {
    return this.#held.get(session_id);
  }
  all(): Iterable<Session> {
    return this.#held.values();
  }
  get size(): number {
    return this.#held.size;
  }
  get is_draining(): boolean {
    return this.#is_draining;
  }

  /**
   * The session, if it is held under this generation. Throws `worker.session_not_held`, and `worker.generation_stale` for any other one.
   */
  held(session_id: string, generation: number | null): Session {
    const session = this.#held.get(session_id);
    if (!session) throw new AppError('not_found', 'worker.session_not_held', 'This worker does not hold the session.');
    if (session.generation !== generation) throw stale();
    return session;
  }

  /**
   * Takes the lease and connects; said again, it changes the settings, and connects what is not connected. Throws
   * `worker.generation_stale` when a later decision stands, `worker.draining`, `platform.database_unavailable`.
   */
  hold(worker_id: string, command: HoldCommand): Promise<Session> {
    const { session_id } = command;
    const before = this.#opening.get(session_id) ?? Promise.resolve();
    const opening = before.catch(() => undefined).then(() => this.#hold(worker_id, command));
    this.#opening.set(session_id, opening);
    return opening.finally(() => {
      if (this.#opening.get(session_id) === opening) this.#opening.delete(session_id);
    });
  }

  async #hold(worker_id: string, { session_id, generation, settings, login, version }: HoldCommand): Promise<Session> {
    if (this.#is_draining) throw draining();
    const wish = { login, version };
    const known = this.#held.get(session_id);
    if (known && known.generation > generation) throw stale();
    if (known?.generation === generation) {
      known.changeSettings(settings);
      const is_other_way = login !== null && !known.is_linked && !isDeepStrictEqual(login, known.wish.login);
      if (is_other_way) await known.connectAnew(wish);
      else if (!known.is_wanted) known.connect(wish);
      return known;
    }
    // Placed here anew: what we had of it is of an earlier decision.
    known?.end();
    const session = this.#create({ session_id, worker_id, generation });
    try {
      await session.open(settings);
    } catch (error) {
      session.end();
      throw error instanceof AppError && error.code === 'lease.lost' ? stale() : error;
    }
    // Checked again: the answer may have come while this process began to stop.
    if (this.is_draining) {
      await session.release();
      throw draining();
    }
    session.connect(wish);
    return session;
  }

  /** Renews leases from now on. */
  start(): void {
    this.leases.start();
  }

  /** Takes none any more, and gives up in order those that there are. */
  async drain(): Promise<void> {
    this.#is_draining = true;
    await Promise.allSettled(this.#opening.values());
    const left = [...this.all()];
    const work = async (): Promise<void> => {
      for (let session = left.pop(); session; session = left.pop()) {
        await session.release().catch((error: unknown) => {
          this.#context.log.warn({ err: error }, 'a session could not be released in order');
        });
      }
    };
    await Promise.all(Array.from({ length: Math.min(RELEASES_AT_ONCE, left.length) }, work));
    await this.leases.stop();
    for (const session of this.all()) session.end();
  }

  #create(holder: LeaseHolder): Session {
    const session: Session = new Session({
      context: this.#context,
      parts: this.#parts,
      caches: this.#caches,
      dials: this.#dials,
      holder,
      isFresh: () => this.leases.is_fresh,
      onEnded: () => {
        if (this.#held.get(holder.session_id) === session) this.#held.delete(holder.session_id);
      },
    });
    this.#held.set(holder.session_id, session);
    return session;
  }
}

const stale = () =>
  new AppError('conflict', 'worker.generation_stale', 'The session is held under another generation.');
const draining = () => new AppError('unavailable', 'worker.draining', 'This worker is stopping and takes no session.');
