import { AppError } from '@potentia/domain/platform/errors';
import type { SettingsRow } from '@potentia/db/workspace/settings-queries';
import type { Limiter } from '@potentia/domain/platform/limiter';
import { createSampledLog } from '@potentia/domain/platform/sampled-log';
import type { RecentSettings } from '@potentia/domain/workspace/recent-settings';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiMetrics } from './metrics.ts';
import { isPublic } from './auth.ts';
import type { RateLimitRule } from '../config.ts';
import { createRules } from './rate-limit-rules.ts';
import type { WorkspaceOf } from './tenant.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Limited although no token is needed (the key is the address then). */
    limited?: true;
  }
  interface FastifyRequest {
    /** The rule that counts this request. */
    limit_rule: RateLimitRule | null;
    /** What the request is about, for those who may know of it; not yet decided while the caller is being verified. */
    workspace_id: string | null;
  }
}

/**
 * The shared limit: `@fastify/rate-limit` asks our limiter (GCRA in Redis, exact over all replicas) under the key
 * `tenant|address|method|route pattern`, and every answer says what is left (draft-ietf-httpapi-ratelimit-headers).
 * The tenant is the workspace that the request is about, else the person; never a header's word.
 */
export async function limitRate(
  app: FastifyInstance,
  options: {
    limiter: Limiter;
    rules: RateLimitRule[];
    workspaceOf: WorkspaceOf;
    settings: Pick<RecentSettings, 'of'>;
    metrics: ApiMetrics;
  },
): Promise<void> {
  const { metrics } = options;
  const ruleFor = createRules(options.rules);
  const logRefusal = createSampledLog(1_000);
  app.decorateRequest('limit_rule', null);
  app.decorateRequest('workspace_id', null);

  const keyOf = (request: FastifyRequest, settings?: SettingsRow): string => {
    const tenant = request.workspace_id ?? request.claims?.user_id ?? 'anyone';
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = request.routeOptions.url ?? '';
    request.limit_rule = ruleFor({ tenant, method, route, ...(settings && { settings }) });
    return `${tenant}|${request.address}|${method}|${route}`;
  };

  const keyIn = (request: FastifyRequest, workspace_id: string | null): string | Promise<string> => {
    request.workspace_id = workspace_id;
    if (workspace_id === null) return keyOf(request);
    const settings = options.settings.of(workspace_id);
    return settings instanceof Promise ? settings.then((read) => keyOf(request, read)) : keyOf(request, settings);
  };

  await app.register(rateLimit, {
    global: false,
    store: storeOn(options.limiter),
    keyGenerator(request: FastifyRequest) {
      const workspace_id = options.workspaceOf(request);
      return workspace_id instanceof Promise
        ? workspace_id.then((found) => keyIn(request, found))
        : keyIn(request, workspace_id);
    },
    max: (request: FastifyRequest) => capacity(ruleOf(request)),
    timeWindow: (request: FastifyRequest) => fillTime(ruleOf(request)),
  });

  const check = app.createRateLimit();
  app.addHook('onRequest', async (request, reply) => {
    if (isPublic(request) && request.routeOptions.config.limited !== true) return;
    const taken = await check(request);
    if (taken.isAllowed) return;
    const labels = { method: request.method, route: request.routeOptions.url ?? '' };
    sayWhatIsLeft(reply, ruleOf(request), taken.isExceeded ? 0 : taken.remaining, taken.ttl);
    metrics.rate_limit.inc({ ...labels, outcome: taken.isExceeded ? 'refused' : 'allowed' });
    if (!taken.isExceeded) return;
    logRefusal(request.log, labels.route, { ...labels, key: taken.key, request_id: request.id }, 'rate limit refused');
    throw new AppError('limit', 'http.rate_limited', 'Too many requests.', { retry_after_ms: taken.ttl });
  });
}

function ruleOf(request: FastifyRequest): RateLimitRule {
  if (!request.limit_rule) throw new Error('the key of a limit is made before its rule is asked for');
  return request.limit_rule;
}

/** How many may come at once. */
const capacity = (rule: RateLimitRule): number => rule.burst ?? rule.limit;

/** In which time that many are earned again, in milliseconds: the rate of a rule, told in the plugin's two numbers. */
const fillTime = (rule: RateLimitRule): number => (rule.window_ms * capacity(rule)) / rule.limit;

function sayWhatIsLeft(reply: FastifyReply, rule: RateLimitRule, remaining: number, ttl_ms: number): void {
  reply.header('ratelimit-policy', `"default";q=${rule.limit};w=${Math.max(1, Math.ceil(rule.window_ms / 1000))}`);
  reply.header('ratelimit', `"default";r=${remaining};t=${Math.ceil(ttl_ms / 1000)}`);
}

type Counted = (error: Error | null, result?: { current: number; ttl: number }) => void;

/** The plugin's store. It knows counts and a time to live; a refusal is told as one more than the most that can be. */
function storeOn(limiter: Limiter) {
  return class LimiterStore {
    incr(key: string, done: Counted, timeWindow?: number, max?: number): void {
      const limit = max ?? 1;
      limiter.take(key, { limit, window_ms: timeWindow ?? 1_000 }).then(
        (taken) => {
          if (taken.allowed) done(null, { current: limit - taken.remaining, ttl: taken.reset_ms });
          else done(null, { current: limit + 1, ttl: taken.retry_after_ms });
        },
        (error: unknown) => done(error as Error),
      );
    }

    child(): this {
      return this;
    }
  };
}
