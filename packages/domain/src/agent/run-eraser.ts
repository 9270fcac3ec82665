import type { UserCtx } from '../platform/ctx.ts';

/** Lets go of what Redis still holds of runs, before its time. */
export interface RunEraser {
  /** False: it is away. Never rejects. */
  erase(run_ids: readonly string[]): Promise<boolean>;
}

/** Who deletes what was said: what is left in Redis is told to nobody any more, and is gone within the hour, also when it is away. */
export type DeleteCtx = UserCtx & { run_eraser: RunEraser };

/** The same of a memory, which tools delete too. */
export type DeleteMemoryCtx = UserCtx & { run_eraser?: RunEraser };
