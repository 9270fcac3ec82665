import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;

beforeAll(async () => {
  backends = await startBackends();
});
afterAll(() => backends[Symbol.asyncDispose]());

const metric = async (api: TestApi, line: RegExp): Promise<number> =>
  Number(line.exec(await api.context.health.registry.metrics())?.[1] ?? 0);

describe('the shared limit', () => {
  it('lets exactly 10 of 30 simultaneous requests through two replicas and tells the rest when to come back', async () => {
    const env = { RATE_LIMITS: '[{"limit":10,"window_ms":60000}]' };
    await using one = await startApi(backends, env);
    await using two = await startApi(backends, env);
    const who = await person(backends.issuer);
    await one.context.ensureUser(one.context.db, { ...who, name: null });

    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => (i % 2 ? one : two).call(who, 'GET', '/api/v1/canvases')),
    );
    const passed = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect([passed.length, refused.length]).toEqual([10, 20]);

    for (const { headers } of answers) expect(headers['ratelimit-policy']).toBe('"default";q=10;w=60');
    const left = passed.map(({ headers }) => Number(/^"default";r=(\d+);t=\d+$/.exec(headers.ratelimit ?? '')?.[1]));
    expect(left.toSorted((a, b) => b - a)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    for (const { headers, body } of refused) {
      expect(headers['content-type']).toMatch('application/problem+json');
      expect(headers.ratelimit).toMatch(/^"default";r=0;t=[1-9]/);
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(body).toMatchObject({ status: 429, code: 'http.rate_limited', title: 'Too Many Requests' });
      expect(body.retry_after_ms).toBeLessThanOrEqual(6_000);
    }

    const counted = /potentia_http_rate_limit_total\{.*route="\/api\/v1\/canvases".*outcome="refused".*\} (\d+)/;
    expect((await metric(one, counted)) + (await metric(two, counted))).toBe(20);
  });

  it('counts a canvas’s routes for its workspace, whoever asks, and each route for itself', async () => {
    await using api = await startApi(backends, {
      RATE_LIMITS:
        '[{"limit":3,"window_ms":60000,"method":"GET","route":"/api/v1/canvases/:canvas_id"},{"limit":1000,"window_ms":60000}]',
    });
    const [owner, guest] = [await person(backends.issuer), await person(backends.issuer)];
    await api.call(guest, 'GET', '/api/v1/me');
    const canvas_id = await api.makeCanvas(owner);
    await api.call(owner, 'POST', `/api/v1/canvases/${canvas_id}/members`, { user_id: guest.user_id, role: 'viewer' });

    const path = `/api/v1/canvases/${canvas_id}`;
    const statuses: number[] = [];
    for (const who of [owner, guest, owner, guest, owner]) statuses.push((await api.call(who, 'GET', path)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect((await api.call(owner, 'GET', `${path}/blocks`)).status).toBe(200);
    const other = await api.makeCanvas(guest);
    expect((await api.call(guest, 'GET', `/api/v1/canvases/${other}`)).status).toBe(200);
  });

  it('never takes the tenant, or the address, from a header of the client', async () => {
    await using api = await startApi(backends, { RATE_LIMITS: '[{"limit":2,"window_ms":60000}]' });
    const who = await person(backends.issuer);
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const forged = { 'x-forwarded-for': `10.0.0.${i}`, 'x-tenant-id': `t${i}`, 'x-user-id': `u${i}` };
      statuses.push((await api.call(who, 'GET', '/api/v1/canvases', undefined, forged)).status);
    }
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  it('limits what needs no token by the address', async () => {
    await using api = await startApi(backends, {
      RATE_LIMITS: '[{"limit":2,"window_ms":60000,"route":"/api/v1/auth/refresh"},{"limit":1000,"window_ms":60000}]',
    });
    const ask = () => api.call(null, 'POST', '/auth/refresh', {});
    expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([400, 400, 429]);
  });
});

describe('the per-address bucket', () => {
  it('refuses before the token is looked at, but never an orchestrator’s probe', async () => {
    await using api = await startApi(backends, { IP_RATE_LIMIT: '2' });
    const who = await person(backends.issuer);
    const answers = [];
    for (let i = 0; i < 6; i += 1) answers.push(await api.call({ ...who, token: 'x' }, 'GET', '/api/v1/canvases'));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 429, 429]);
    expect(answers.at(-1)).toMatchObject({ body: { code: 'http.ip_rate_limited' }, headers: { 'retry-after': '1' } });
    expect((await api.call(null, 'GET', '/health')).status).toBe(200);
    expect(await metric(api, /potentia_http_ip_refused_total\{.*\} (\d+)/)).toBe(2);
  });
});
