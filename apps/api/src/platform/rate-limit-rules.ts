import { createRuleFinder } from '@potentia/domain/platform/limit-rules';
import type { RateLimitRule } from '../config.ts';

/** What applies where the configuration has no rule for a request. */
const OTHERWISE: RateLimitRule = { limit: 600, window_ms: 60_000 };

/** Finds the rule that decides: of those that match, the one that names most of the request. */
export function createRules(rules: RateLimitRule[]): (tenant: string, method: string, route: string) => RateLimitRule {
  const find = createRuleFinder(['tenant', 'route', 'method'], rules);
  return (tenant, method, route) => find({ tenant, route, method }) ?? OTHERWISE;
}
