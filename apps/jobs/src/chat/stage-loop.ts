import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@potentia/config/logger';
import { AppError } from '@potentia/domain/platform/errors';

export interface StageResult {
  /** The batch was full: there may be more. */
  is_more: boolean;
  /** What the work needs is away; what it took waits. */
  away: AppError | null;
}

export interface StageOptions {
  log: Logger;
  /** Ends the loop. */
  signal: AbortSignal;
  /** Works on one batch. What it throws is like an outage, too: nothing is lost by it. */
  work(): Promise<StageResult>;
  /** Throws as long as what was away still is. Rows are left alone meanwhile. */
  probe?: () => Promise<void>;
}

/** `is_probed`: it is a question for the probe when it ends. */
type Tried = StageResult & { is_probed: boolean };

/** Milliseconds between two looks when nobody wakes it, and the least between two when somebody does. */
const POLL_MS = 1_000;
const LOOK_MS = 50;
/** Batches at once, as long as there is more than one. */
const LANES = 3;
/** The wait after a failure, which doubles up to the second. */
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;

/** Works off a queue batch by batch: each second, when woken, and without a pause as long as there is more. */
export class StageLoop {
  readonly #stage: string;
  readonly #options: StageOptions;
  #running: Promise<void> | undefined;
  #resume: () => void = () => undefined;
  #woken = false;
  #failures = 0;

  constructor(stage: string, options: StageOptions) {
    this.#stage = stage;
    this.#options = options;
  }

  get is_away(): boolean {
    return this.#failures > 0;
  }

  start(): void {
    this.#running = this.#run();
  }

  readonly wake = (): void => {
    this.#woken = true;
    this.#resume();
  };

  /** Waits for the batches at hand. The signal has fired. */
  async stop(): Promise<void> {
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#options;
    let is_more = false;
    while (!signal.aborted) {
      this.#woken = false;
      const results: Tried[] = await Promise.all(Array.from({ length: is_more ? LANES : 1 }, () => this.#try()));
      is_more = results.some((result) => result.is_more);
      const failed = results.find(({ away }) => away !== null);
      if (failed) await this.#recover(failed);
      else this.#succeed();
      if (!is_more) await this.#pause();
    }
  }

  async #try(): Promise<Tried> {
    try {
      return { ...(await this.#options.work()), is_probed: true };
    } catch (error) {
      if (!(error instanceof AppError)) this.#options.log.error({ err: error, stage: this.#stage }, 'a batch failed');
      return { is_more: false, away: asFailure(error), is_probed: false };
    }
  }

  /** Waits until the probe is answered; longer each time that it is not. */
  async #recover({ away, is_probed }: Tried): Promise<void> {
    const { log, probe } = this.#options;
    let failure = away;
    while (failure) {
      this.#failures += 1;
      if (this.#failures === 1) log.warn({ err: failure, stage: this.#stage }, 'the embedding queue waits');
      const goes_on = await this.#wait(backoff(this.#failures, failure));
      if (!goes_on || !is_probed || !probe) return;
      failure = await probe().then(() => null, asFailure);
    }
  }

  #succeed(): void {
    if (this.#failures > 0) this.#options.log.info({ stage: this.#stage }, 'the embedding queue is worked off again');
    this.#failures = 0;
  }

  /** Until the next poll, or until woken. */
  async #pause(): Promise<void> {
    if (!(await this.#wait(LOOK_MS)) || this.#woken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS - LOOK_MS);
      this.#resume = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Whether the loop goes on after that. */
  #wait(ms: number): Promise<boolean> {
    return sleep(ms, undefined, { signal: this.#options.signal }).then(
      () => true,
      () => false,
    );
  }
}

const asFailure = (error: unknown): AppError =>
  error instanceof AppError
    ? error
    : new AppError('unavailable', 'embedding.failed', 'A batch failed.', {}, { cause: error });

/** Milliseconds, jittered, so that many workers do not come back at once; what the failure says, where it says so. */
function backoff(failures: number, { meta }: AppError): number {
  const doubled = MIN_BACKOFF_MS * 2 ** Math.min(failures - 1, 10);
  return Math.min(Math.max(doubled, meta.retry_after_ms ?? 0), MAX_BACKOFF_MS) * (0.75 + Math.random() / 2);
}
