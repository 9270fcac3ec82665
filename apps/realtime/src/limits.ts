import { AppError } from '@potentia/domain/platform/errors';
import type { Limit, Limiter } from '@potentia/domain/platform/limiter';
import { createRuleFinder } from '@potentia/domain/platform/limit-rules';
import { createSampledLog } from '@potentia/domain/platform/sampled-log';
import type { RecentSettings } from '@potentia/domain/workspace/recent-settings';
import type { Logger } from '@potentia/config/logger';
import type { HubMetrics } from './metrics.ts';

/** One rule of `WS_RATE_LIMITS`. Of the rules that match, the one that names most decides; `tenant` before `event`. */
export interface SocketLimitRule extends Limit {
  tenant?: string | undefined;
  event?: string | undefined;
  burst?: number | undefined;
}

/** Who is counted: one person from one address, in the workspace of the canvas, or (null) for themselves. */
export interface LimitSubject {
  workspace_id: string | null;
  user_id: string;
  ip: string;
}

export interface SocketLimits {
  /** Takes `cost` of an event. Throws AppError `limit` `ws.rate_limited` with `retry_after_ms`. */
  take(subject: LimitSubject, event: string, cost?: number): Promise<void>;
}

/** A client that floods must not flood the log. */
const LOG_EVERY_MS = 1_000;

export function createSocketLimits(options: {
  limiter: Limiter;
  rules: readonly SocketLimitRule[];
  settings: Pick<RecentSettings, 'of'>;
  metrics: HubMetrics;
  log: Logger;
}): SocketLimits {
  const { limiter, rules, settings, metrics, log } = options;
  const findRule = createRuleFinder(['tenant', 'event'], rules);

  /** The operator's rule, or the workspace's own where that is stricter. */
  const ruleFor = async (workspace_id: string | null, tenant: string, event: string) => {
    const rule = findRule({ tenant, event });
    if (workspace_id === null) return rule;
    // What cannot be read refuses nobody.
    const own = await Promise.resolve(settings.of(workspace_id)).then(
      ({ rate_limits }) => rate_limits.find((limit) => limit.event === event),
      () => undefined,
    );
    return own && (!rule || perSecond(own) < perSecond(rule)) ? own : rule;
  };
  const logRefusal = createSampledLog(LOG_EVERY_MS);
  return {
    async take({ workspace_id, user_id, ip }, event, cost = 1) {
      const tenant = workspace_id ?? user_id;
      const rule = await ruleFor(workspace_id, tenant, event);
      if (!rule) return;
      const taken = await limiter.take(`ws:${tenant}:${user_id}:${ip}:${event}`, rule, cost);
      metrics.limited.inc({ event, outcome: taken.allowed ? 'allowed' : 'refused' });
      if (taken.allowed) return;
      logRefusal(log, event, { tenant, user_id, event }, 'socket rate limited');
      const { retry_after_ms } = taken;
      throw new AppError('limit', 'ws.rate_limited', `Too many of these (${event}); slow down`, { retry_after_ms });
    },
  };
}

const perSecond = ({ limit, window_ms }: Limit): number => limit / window_ms;
