import type { SettingsRow } from '@potentia/db/workspace/settings-queries';
import { createRuleFinder } from '@potentia/domain/platform/limit-rules';
import type { RateLimitRule } from '../config.ts';

/** What applies where the configuration has no rule for a request. */
const OTHERWISE: RateLimitRule = { limit: 600, window_ms: 60_000 };

/** Who is counted, and what the workspace that the request is about says of its limits. */
export interface Subject {
  tenant: string;
  method: string;
  /** As Fastify spells it, such as `/api/v1/canvases/:canvas_id`. */
  route: string;
  settings?: Pick<SettingsRow, 'rate_limits'>;
}

/**
 * Finds the rule that decides: of the operator's that match, the one that names most of the request; or the one of the
 * workspace's own, where that is stricter.
 */
export function createRules(rules: RateLimitRule[]): (subject: Subject) => RateLimitRule {
  const find = createRuleFinder(['tenant', 'route', 'method'], rules);
  const own_finders = new WeakMap<object, (subject: Omit<Subject, 'settings'>) => RateLimitRule | undefined>();

  const findOwn = (settings: Pick<SettingsRow, 'rate_limits'>, subject: Omit<Subject, 'settings'>) => {
    const findOwnRule = own_finders.get(settings) ?? createRuleFinder(['route', 'method'], httpRules(settings));
    own_finders.set(settings, findOwnRule);
    return findOwnRule(subject);
  };

  return ({ settings, ...subject }) => {
    const rule = find(subject) ?? OTHERWISE;
    const own = settings?.rate_limits.length ? findOwn(settings, subject) : undefined;
    return own && perSecond(own) < perSecond(rule) ? own : rule;
  };
}

/** A workspace names routes as the OpenAPI document does, with `{canvas_id}` for `:canvas_id`. */
const httpRules = ({ rate_limits }: Pick<SettingsRow, 'rate_limits'>): RateLimitRule[] =>
  rate_limits
    .filter((rule) => rule.event === undefined)
    .map(({ route, ...rule }) => ({ ...rule, ...(route && { route: route.replaceAll(/\{(\w+)\}/g, ':$1') }) }));

const perSecond = ({ limit, window_ms }: RateLimitRule): number => limit / window_ms;
