import type { RateLimitRule } from '@potentia/config/variables';

const FIELDS = ['tenant', 'route', 'method'] as const;

/** How much of a request a rule names; where two name as many things, a tenant outweighs a route and a route a method. */
const specificity = (rule: RateLimitRule): number =>
  FIELDS.reduce((sum, field, i) => sum + (rule[field] === undefined ? 0 : 8 + (4 >> i)), 0);

/** What applies where the configuration has no rule for a request. */
const OTHERWISE: RateLimitRule = { limit: 600, window_ms: 60_000 };

/** Finds the rule that decides: of those that match, the one that names most of the request. */
export function createRules(rules: RateLimitRule[]): (tenant: string, method: string, route: string) => RateLimitRule {
  const sorted = rules.toSorted((a, b) => specificity(b) - specificity(a));
  return (tenant, method, route) =>
    sorted.find(
      (rule) =>
        (rule.tenant === undefined || rule.tenant === tenant) &&
        (rule.method === undefined || rule.method === method) &&
        (rule.route === undefined || rule.route === route),
    ) ?? OTHERWISE;
}
