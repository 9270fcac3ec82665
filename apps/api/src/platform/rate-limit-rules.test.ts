import { expect, it } from 'vitest';
import { createRules } from './rate-limit-rules.ts';

const general = { limit: 1, window_ms: 1_000 };
const by_method = { ...general, method: 'POST' };
const by_route = { ...general, route: '/a' };
const by_tenant = { ...general, tenant: 't' };
const by_both = { ...general, method: 'POST', route: '/a' };

it('of the rules that match, the one that names most of the request decides', () => {
  const ruleFor = createRules([general, by_method, by_route, by_tenant, by_both]);
  expect(ruleFor({ tenant: 'x', method: 'GET', route: '/b' })).toBe(general);
  expect(ruleFor({ tenant: 'x', method: 'POST', route: '/b' })).toBe(by_method);
  expect(ruleFor({ tenant: 'x', method: 'GET', route: '/a' })).toBe(by_route);
  expect(ruleFor({ tenant: 'x', method: 'POST', route: '/a' })).toBe(by_both);
  expect(ruleFor({ tenant: 't', method: 'GET', route: '/a' })).toBe(by_tenant);
  expect(ruleFor({ tenant: 't', method: 'POST', route: '/a' })).toBe(by_both);
});

it('a request that no rule matches has the default limit', () => {
  expect(createRules([by_tenant])({ tenant: 'x', method: 'GET', route: '/' })).toEqual({
    limit: 600,
    window_ms: 60_000,
  });
});

it('a workspace’s own limit counts where it is stricter than the operator’s', () => {
  const ruleFor = createRules([{ limit: 100, window_ms: 1_000 }]);
  const own = (rule: object) => ({ rate_limits: [{ limit: 1, window_ms: 1_000, ...rule }] });
  const subject = { tenant: 't', method: 'GET', route: '/api/v1/canvases/:canvas_id' };
  const limitWith = (rule: object) => ruleFor({ ...subject, settings: own(rule) }).limit;
  expect(limitWith({})).toBe(1);
  expect(limitWith({ route: '/api/v1/canvases/{canvas_id}', method: 'GET' })).toBe(1);
  expect(limitWith({ limit: 200 })).toBe(100);
  expect(limitWith({ route: '/api/v1/search' })).toBe(100);
  expect(limitWith({ method: 'POST' })).toBe(100);
  expect(limitWith({ event: 'mutate' })).toBe(100);
});
