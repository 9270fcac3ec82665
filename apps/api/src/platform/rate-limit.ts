import { AppError } from '@potentia/domain/platform/errors';
import type { Limiter } from '@potentia/domain/platform/limiter';
import { createSampledLog } from '@potentia/domain/platform/sampled-log';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiMetrics } from './metrics.ts';
import { isPublic } from './auth.ts';
import type { RateLimitRule } from '../config.ts';
import { createRules } from './rate-limit-rules.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Limited although no token is needed (the key is the address then). */
    limited?: true;
  }
  interface FastifyRequest {
    /** The rule that counts this request. */
    limit_rule: RateLimitRule | null;
  }
}

/** Whose budget a request comes out of: the workspace of what it is about, else the person. Never a header's word. */
export type TenantOf = (request: FastifyRequest) => string | Promise<string>;

/**
 * The shared limit: `@fastify/rate-limit` asks our limiter (GCRA in Redis, exact over all replicas) under the key
 * `tenant|address|method|route pattern`, and every answer says what is left (draft-ietf-httpapi-ratelimit-headers).
 */
export async function limitRate(
  app: FastifyInstance,
  options: { limiter: Limiter; rules: RateLimitRule[]; tenantOf: TenantOf; metrics: ApiMetrics },
): Promise<void> {
  const { metrics } = options;
  const ruleFor = createRules(options.rules);
  const logRefusal = createSampledLog(1_000);
  app.decorateRequest('limit_rule', null);

  const keyOf = (request: FastifyRequest, tenant: string): string => {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = request.routeOptions.url ?? '';
    request.limit_rule = ruleFor(tenant, method, route);
    return `${tenant}|${request.address}|${method}|${route}`;
  };

  await app.register(rateLimit, {
    global: false,
    store: storeOn(options.limiter),
    keyGenerator(request: FastifyRequest) {
      const tenant = options.tenantOf(request);
      return typeof tenant === 'string' ? keyOf(request, tenant) : tenant.then((found) => keyOf(request, found));
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
