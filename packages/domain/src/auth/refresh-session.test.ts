import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createSupabaseAuth } from './adapters/supabase.ts';
import { refreshSession } from './refresh-session.ts';

const user_id = '018f3a1e-7c5b-7a3e-9d5e-0c9b6b1f2a34';
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** An auth server on GoTrue's wire that answers as one test needs. */
async function startAuthServer(
  answer: (refresh_token: string, response: ServerResponse, request: IncomingMessage) => void,
  timeout_ms = 10_000,
) {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      answer((JSON.parse(body) as { refresh_token: string }).refresh_token, response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const supabase_url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return { auth: createSupabaseAuth({ supabase_url, anon_key: 'anon', timeout_ms }) };
}

const sessionOf = (refresh_token: string) =>
  JSON.stringify({
    access_token: `access-of-${refresh_token}`,
    refresh_token: `next-of-${refresh_token}`,
    token_type: 'bearer',
    expires_in: 3600,
    expires_at: 1_900_000_000,
    user: { id: user_id },
  });
const refusal = (kind: string, code: string) => expect.objectContaining({ name: 'AppError', kind, code });
const unavailable = refusal('unavailable', 'auth.provider_unavailable');

describe('a refresh token', () => {
  it('is exchanged for a session', async () => {
    const seen: unknown[] = [];
    const ctx = await startAuthServer((token, response, request) => {
      seen.push(request.method, request.url, request.headers.apikey);
      response.end(sessionOf(token));
    });
    expect(await refreshSession(ctx, { refresh_token: ' r1 ' })).toEqual({
      access_token: 'access-of-r1',
      refresh_token: 'next-of-r1',
      token_type: 'bearer',
      expires_in: 3600,
      expires_at: 1_900_000_000,
      user_id,
    });
    expect(seen).toEqual(['POST', '/auth/v1/token?grant_type=refresh_token', 'anon']);
  });

  it('brings everybody their own session when many refresh at once', async () => {
    const ctx = await startAuthServer((token, response) => setImmediate(() => response.end(sessionOf(token))));
    const tokens = Array.from({ length: 20 }, (_, i) => `r${String(i)}`);
    const sessions = await Promise.all(tokens.map((refresh_token) => refreshSession(ctx, { refresh_token })));
    expect(sessions.map((session) => session.access_token)).toEqual(tokens.map((token) => `access-of-${token}`));
  });

  it.each([400, 401, 403, 422])('that the auth server refuses (%i) means signing in again', async (status) => {
    const ctx = await startAuthServer((_token, response) =>
      response.writeHead(status).end('{"code":400,"error_code":"refresh_token_already_used","msg":"Already Used"}'),
    );
    await expect(refreshSession(ctx, { refresh_token: 'r' })).rejects.toEqual(
      refusal('unauthenticated', 'auth.refresh_invalid'),
    );
  });

  it.each([{}, { refresh_token: '' }, { refresh_token: 7 }, { refresh_token: 'r', more: 1 }, null])(
    'must be given as the only field: %j is invalid',
    async (input) => {
      const ctx = await startAuthServer((token, response) => response.end(sessionOf(token)));
      await expect(refreshSession(ctx, input)).rejects.toEqual(refusal('invalid', 'request.invalid'));
    },
  );
});

describe('an auth server in trouble', () => {
  it.each([500, 502, 503, 520, 404])('that answers %i is unavailable, at once', async (status) => {
    let asked = 0;
    const ctx = await startAuthServer((_token, response) => {
      asked += 1;
      response.writeHead(status).end('{"msg":"no"}');
    });
    await expect(refreshSession(ctx, { refresh_token: 'r' })).rejects.toEqual(unavailable);
    expect(asked).toBe(1);
  });

  it('that answers 429 is a limit', async () => {
    const ctx = await startAuthServer((_token, response) => response.writeHead(429).end('{"msg":"slow down"}'));
    await expect(refreshSession(ctx, { refresh_token: 'r' })).rejects.toEqual(refusal('limit', 'auth.refresh_limited'));
  });

  it.each([
    ['does not answer', () => undefined],
    ['hangs up', (_token: string, response: ServerResponse) => response.destroy()],
    ['answers something else', (_token: string, response: ServerResponse) => response.end('<html>')],
  ])('that %s is unavailable within the deadline', async (_name, answer) => {
    const ctx = await startAuthServer(answer, 300);
    const started = performance.now();
    await expect(refreshSession(ctx, { refresh_token: 'r' })).rejects.toEqual(unavailable);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
