import { VERSION } from '@potentia/config/version';
import { API_AUDIENCE, signServiceToken } from '@potentia/domain/platform/service-token';
import type { SessionStatus } from '@potentia/domain/whatsapp/schemas';
import { z } from 'zod';
import { workerName, workerUrl } from './config.ts';
import { SERVICE, type WaWorkerContext } from './context.ts';
import type { LostBy } from './session/session.ts';

/** What the API wants to know of a held session, and the way to tell it that it is another worker's. */
interface ReportedSession {
  session_id: string;
  generation: number;
  status: SessionStatus;
  is_wanted: boolean;
  lose(by: LostBy): void;
  release(): Promise<void>;
}
interface ReportedSessions {
  get(session_id: string): ReportedSession | undefined;
  all(): Iterable<ReportedSession>;
}

const registered = z.object({ worker_id: z.uuid(), heartbeat_ms: z.int().min(1) });
const beaten = z.object({ lost: z.array(z.uuid()).default([]) });

const CALL_MS = 5_000;
const RETRY = { first_ms: 500, most_ms: 15_000 };
/** Whoever loses its name so many times, each soon after it registered, shares it with another process, and leaves it to that one for a while. */
const QUARREL = { times: 3, soon_ms: 600_000, first_ms: 60_000, most_ms: 1_800_000 };

/** Who this process is to the API: it registers, says every so often that it lives, and registers again when it was forgotten. */
export class Registration {
  readonly #context: Pick<WaWorkerContext, 'config' | 'log' | 'metrics'>;
  readonly #sessions: ReportedSessions;
  #url = '';
  #worker_id: string | null = null;
  #heartbeat_ms = 30_000;
  #failures = 0;
  #registered_at = 0;
  /** Times in a row that the name was lost soon after it was registered. */
  #displaced = 0;
  #silent_until = 0;
  #is_draining = false;
  #is_stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(context: Pick<WaWorkerContext, 'config' | 'log' | 'metrics'>, sessions: ReportedSessions) {
    this.#context = context;
    this.#sessions = sessions;
  }

  /** Null until the API has answered. */
  get worker_id(): string | null {
    return this.#worker_id;
  }

  /** `url` is where this process listens. */
  start(url: string): void {
    this.#url = url;
    this.#running = this.#round();
  }

  /** Tells the API at once that nothing is to be placed here any more. */
  async drain(): Promise<void> {
    this.#is_draining = true;
    await this.beat();
  }

  /** The last word: what is still held is nothing, after `drain`. */
  async stop(): Promise<void> {
    this.#is_stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    if (this.#is_draining) await this.beat();
  }

  /** Registers where that is still to be done, and says how it is. Never rejects. */
  async beat(): Promise<void> {
    if (performance.now() < this.#silent_until) return;
    try {
      if (this.#worker_id === null) await this.#register();
      if (!(await this.#sendBeat())) {
        if (this.#isQuarrel()) return;
        await this.#register();
        if (!(await this.#sendBeat())) throw new Error('the API does not know whom it has just registered');
      }
      if (this.#failures > 0) this.#context.log.info('the API answers again');
      this.#failures = 0;
    } catch (error) {
      this.#context.metrics.countBeat('failed');
      if (this.#failures === 0) this.#context.log.warn({ err: error }, 'the API does not take beats');
      this.#failures += 1;
    }
  }

  /** Two that take the name from each other move all their sessions to and fro, with each beat. */
  #isQuarrel(): boolean {
    const { times, soon_ms, first_ms, most_ms } = QUARREL;
    this.#displaced = performance.now() - this.#registered_at < soon_ms ? this.#displaced + 1 : 1;
    if (this.#displaced <= times) return false;
    const wait_ms = Math.min(first_ms * 2 ** (this.#displaced - times - 1), most_ms);
    this.#silent_until = performance.now() + wait_ms;
    this.#worker_id = null;
    this.#context.log.error({ wait_ms }, 'another process registers under the same name (WORKER_NAME)');
    return true;
  }

  async #round(): Promise<void> {
    await this.beat();
    if (this.#is_stopped) return;
    const { first_ms, most_ms } = RETRY;
    const again_ms = Math.min(first_ms * 2 ** Math.min(this.#failures - 1, 10), most_ms, this.#heartbeat_ms);
    const wait_ms = this.#failures > 0 ? again_ms * (0.5 + Math.random() / 2) : this.#heartbeat_ms;
    this.#timer = setTimeout(() => {
      this.#running = this.#round();
    }, wait_ms);
    this.#timer.unref();
  }

  async #register(): Promise<void> {
    const { config, log } = this.#context;
    const name = workerName(config, this.#url);
    const answer = await this.#call('POST', '/api/admin/workers/register', {
      name,
      url: workerUrl(config, this.#url),
      version: VERSION,
      capacity: config.WORKER_CAPACITY,
    });
    const { worker_id, heartbeat_ms } = registered.parse(await bodyOf(answer));
    this.#worker_id = worker_id;
    this.#heartbeat_ms = heartbeat_ms;
    this.#registered_at = performance.now();
    log.info({ worker_id, name, heartbeat_ms }, 'registered at the API');
  }

  /** False: the API does not know this worker any more. */
  async #sendBeat(): Promise<boolean> {
    const held = [...this.#sessions.all()].map(({ session_id, generation, status }) => ({
      session_id,
      generation,
      status,
    }));
    const answer = await this.#call('PUT', `/api/admin/workers/${this.#worker_id}/heartbeat`, {
      sessions: held.length,
      load: this.#context.metrics.readLoad(),
      status: this.#is_draining ? 'draining' : 'alive',
      held,
    });
    if (answer.status === 404) {
      await answer.body?.cancel();
      this.#context.metrics.countBeat('unknown');
      this.#context.log.warn({ worker_id: this.#worker_id }, 'the API does not know this worker any more');
      return false;
    }
    const { lost } = beaten.parse(await bodyOf(answer));
    this.#context.metrics.countBeat('ok');
    for (const session_id of lost) {
      const session = this.#sessions.get(session_id);
      // Placed here anew since the beat was sent: that one is not meant.
      if (!session || !held.some((was) => was.session_id === session_id && was.generation === session.generation))
        continue;
      // One that has ended by itself is nobody's then, and there is nothing to hurry for.
      if (session.is_wanted) session.lose('api');
      else void session.release();
    }
    return true;
  }

  async #call(method: 'POST' | 'PUT', path: string, body: object): Promise<Response> {
    const { config } = this.#context;
    const token = await signServiceToken(config.SERVICE_JWT_SECRETS, { issuer: SERVICE, audience: API_AUDIENCE });
    return fetch(`${config.API_URL}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_MS),
    });
  }
}

async function bodyOf(answer: Response): Promise<unknown> {
  if (answer.ok) return answer.json();
  await answer.body?.cancel();
  throw new Error(`the API answered ${answer.status}`);
}
