import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let who: Person;
let port: number;

beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends, { CORS_ORIGINS: 'https://app.example.com' });
  who = await person(backends.issuer);
  port = Number(new URL(await api.app.listen({ host: '127.0.0.1', port: 0 })).port);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

/** Everything that the server answers to these bytes before it closes, or within a second. */
const sendRaw = (text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });

describe('every answer', () => {
  it('carries the correlation id and the security headers, refusals too', async () => {
    for (const path of ['/health', '/api/v1/canvases', '/nowhere']) {
      const { headers } = await api.call(null, 'GET', path, undefined, { 'x-request-id': 'my-own-id' });
      expect(headers).toMatchObject({
        'x-request-id': 'my-own-id',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'strict-transport-security': expect.any(String),
        'referrer-policy': 'no-referrer',
        'cache-control': 'private, no-cache',
      });
    }
  });

  it('about nothing is a problem, with 405 and Allow where only the method is wrong', async () => {
    const problem = { 'content-type': expect.stringContaining('application/problem+json') };
    expect(await api.call(who, 'GET', '/nowhere?x=secret')).toMatchObject({
      status: 404,
      headers: problem,
      body: {
        type: 'urn:potentia:problem:http.not_found',
        code: 'http.not_found',
        instance: '/nowhere',
        title: 'Not Found',
      },
    });
    expect(await api.call(who, 'PUT', '/canvas')).toMatchObject({
      status: 405,
      headers: { ...problem, allow: 'GET, HEAD, POST' },
      body: { code: 'http.method_not_allowed', instance: '/canvas' },
    });
    expect(await api.call(null, 'GET', '/a%zzb')).toMatchObject({
      status: 400,
      headers: problem,
      body: { code: 'http.invalid_path' },
    });
  });

  it('tells nothing about an unknown failure and logs it once', async () => {
    await using broken = await startApi(backends);
    broken.context.ensureUser = () => Promise.reject(new Error('the password is hunter2'));
    const answer = await broken.call(who, 'GET', '/api/v1/me');
    expect(answer).toMatchObject({ status: 500, body: { code: 'platform.internal' } });
    expect(answer.text).not.toContain('hunter2');
  });
});

describe('CORS', () => {
  it('answers a listed origin, preflight and request', async () => {
    const origin = 'https://app.example.com';
    const preflight = await api.call(null, 'OPTIONS', '/canvas/x', undefined, {
      origin,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,if-match',
    });
    expect(preflight).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': origin,
        'access-control-allow-methods': expect.stringContaining('PATCH'),
        'access-control-allow-headers': expect.stringContaining('if-match'),
      },
    });
    const { headers } = await api.call(who, 'GET', '/canvas', undefined, { origin });
    expect(headers['access-control-allow-origin']).toBe(origin);
    expect(headers['access-control-expose-headers']).toContain('ratelimit');
    expect(headers.vary).toContain('Origin');
  });

  it.each(['https://evil.example.com', 'https://app.example.com.evil.com', 'null'])(
    '%s gets no permission',
    async (origin) => {
      const preflight = await api.call(null, 'OPTIONS', '/canvas', undefined, {
        origin,
        'access-control-request-method': 'POST',
      });
      expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
      const { headers } = await api.call(who, 'GET', '/canvas', undefined, { origin });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    },
  );
});

describe('on the wire', () => {
  it('two Host headers are refused', async () => {
    const answer = await sendRaw('GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*http\.two_hosts/);
  });

  it('what is not HTTP, or has huge headers, is answered with a problem and cut', async () => {
    expect(await sendRaw('NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*http\.malformed/);
    const huge = `GET / HTTP/1.1\r\nHost: a\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await sendRaw(huge)).toMatch(/^HTTP\/1\.1 431 [^]*http\.headers_too_large/);
  });

  it('a service stops although somebody holds a connection on which nothing is asked', async () => {
    await using stopping = await startApi(backends);
    const url = await stopping.app.listen({ host: '127.0.0.1', port: 0 });
    const held = ['', 'GET /health HTTP/1.1\r\nHost: a\r\n'].map((text) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
      socket.on('error', () => undefined);
      return once(socket, 'close');
    });
    await fetch(`${url}/health`);
    await stopping.app.close();
    await Promise.all(held);
  });

  it('a draining service finishes what it took and asks for another connection', async () => {
    await using draining = await startApi(backends);
    const url = await draining.app.listen({ host: '127.0.0.1', port: 0 });
    let taken: (value?: unknown) => void = () => undefined;
    let go: (value?: unknown) => void = () => undefined;
    const started = new Promise((resolve) => (taken = resolve));
    const gate = new Promise((resolve) => (go = resolve));
    const { ensureUser } = draining.context;
    draining.context.ensureUser = async (...args) => {
      taken();
      await gate;
      return ensureUser(...args);
    };
    const answering = fetch(`${url}/me`, { headers: { authorization: `Bearer ${who.token}` } });
    await started;
    const closing = draining.app.close();
    await expect.poll(() => draining.context.health.snapshot().then(({ status }) => status)).toBe('draining');
    go();
    const answer = await answering;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('connection')).toBe('close');
    await closing;
  });
});

describe('POST /debug/echo', () => {
  it('answers what arrived, without the token', async () => {
    const answer = await api.call(who, 'POST', '/debug/echo', { a: 1 });
    expect(answer.body).toMatchObject({ method: 'POST', body: { a: 1 }, user_id: who.user_id });
    expect(answer.text).not.toContain(who.token);
  });

  it('is not there in production unless it is switched on', async () => {
    await using production = await startApi(backends, { NODE_ENV: 'production' });
    expect((await production.call(who, 'POST', '/debug/echo', {})).status).toBe(404);
    await using enabled = await startApi(backends, { NODE_ENV: 'production', ENABLE_DEBUG_ECHO: 'true' });
    expect((await enabled.call(who, 'POST', '/debug/echo', {})).status).toBe(200);
  });
});
