import { expect, it } from 'vitest';
import { createRules } from './rate-limit-rules.ts';

const general = { limit: 1, window_ms: 1_000 };
const by_method = { ...general, method: 'POST' };
const by_route = { ...general, route: '/a' };
const by_tenant = { ...general, tenant: 't' };
const by_both = { ...general, method: 'POST', route: '/a' };

it('of the rules that match, the one that names most of the request decides', () => {
  const ruleFor = createRules([general, by_method, by_route, by_tenant, by_both]);
  expect(ruleFor('x', 'GET', '/b')).toBe(general);
  expect(ruleFor('x', 'POST', '/b')).toBe(by_method);
  expect(ruleFor('x', 'GET', '/a')).toBe(by_route);
  expect(ruleFor('x', 'POST', '/a')).toBe(by_both);
  expect(ruleFor('t', 'GET', '/a')).toBe(by_tenant);
  expect(ruleFor('t', 'POST', '/a')).toBe(by_both);
});

it('a request that no rule matches has the default limit', () => {
  expect(createRules([by_tenant])('x', 'GET', '/')).toEqual({ limit: 600, window_ms: 60_000 });
});
