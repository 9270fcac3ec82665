import { AppError } from '@potentia/domain/platform/errors';
import type { Limit, Limiter } from '@potentia/domain/platform/limiter';
import type { Logger } from '@potentia/config/logger';
import type { HubMetrics } from './metrics.ts';

/** One rule of `WS_RATE_LIMITS`. Of the rules that match, the one that names most decides; `tenant` before `event`. */
export interface SocketLimitRule extends Limit {
  tenant?: string | undefined;
  event?: string | undefined;
  burst?: number | undefined;
}

/** Who is counted: one person from one address in one tenant. */
export interface LimitSubject {
  tenant: string;
  user_id: string;
  ip: string;
}

export interface SocketLimits {
  /** Takes `cost` of an event. Throws AppError `limit` `ws.rate_limited` with `retry_after_ms`. */
  take(subject: LimitSubject, event: string, cost?: number): Promise<void>;
}

/** One refusal in this many is logged: a client that floods must not flood the log. */
const LOG_EVERY = 100;

export function createSocketLimits(options: {
  limiter: Limiter;
  rules: readonly SocketLimitRule[];
  metrics: HubMetrics;
  log: Logger;
}): SocketLimits {
  const { limiter, rules, metrics, log } = options;
  let refusals = 0;
  return {
    async take({ tenant, user_id, ip }, event, cost = 1) {
      const rule = findRule(rules, tenant, event);
      if (!rule) return;
      const taken = await limiter.take(`ws:${tenant}:${user_id}:${ip}:${event}`, rule, cost);
      metrics.limited.inc({ event, outcome: taken.allowed ? 'allowed' : 'refused' });
      if (taken.allowed) return;
      if (refusals++ % LOG_EVERY === 0) log.warn({ tenant, user_id, event, refusals }, 'socket rate limited');
      const { retry_after_ms } = taken;
      throw new AppError('limit', 'ws.rate_limited', `Too many of these (${event}); slow down`, { retry_after_ms });
    },
  };
}

export function findRule(
  rules: readonly SocketLimitRule[],
  tenant: string,
  event: string,
): SocketLimitRule | undefined {
  let best: SocketLimitRule | undefined;
  let best_weight = -1;
  for (const rule of rules) {
    if (rule.tenant !== undefined && rule.tenant !== tenant) continue;
    if (rule.event !== undefined && rule.event !== event) continue;
    const weight = (rule.tenant === undefined ? 0 : 2) + (rule.event === undefined ? 0 : 1);
    if (weight > best_weight) [best, best_weight] = [rule, weight];
  }
  return best;
}
