import { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { id } from '../platform/schemas.ts';
import type { UsageLimits } from './ledger.ts';
import type { ModelPort } from './model.ts';

/** The outbox topic: a turn is answered, and is to be assessed. Written with the answer; `user_id` of the row says whose. */
export const AGENT_ASSESS = 'agent.assess';
export const assessRunPayload = z.object({ run_id: id });

export interface AssessCtx extends UserCtx {
  model: ModelPort;
  usage_limits: UsageLimits;
}

export interface Assessed {
  /** `skipped`: memory is off, there is no quota, or nothing to assess; `failed`: the model stayed away or refused. */
  outcome: 'done' | 'skipped' | 'failed';
  /** Memories that were made. */
  remembered: { memory_id: string; kind: string }[];
  /** Findings that were refused, by why. */
  refused: Record<string, number>;
}

/**
 * Takes from an answered turn what is to be remembered, from the person's own words alone, and keeps the context's title
 * and summary. Once per run, however often it is called. `asked_at`: since when it waits; a model that stays away is given
 * up after some hours. Throws `not_found` (the run is forgotten) and `unavailable` (try again later).
 */
export function assessRun(_ctx: AssessCtx, _input: { run_id: string; asked_at: string }): Promise<Assessed> {
  return Promise.reject(new Error('not yet'));
}
