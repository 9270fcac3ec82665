import { describe, expect, it } from 'vitest';
import { AppError } from './errors.ts';
import { toProblem } from './problem.ts';

const request = { id: 'request-0001', path: '/ws/me' };

describe('toProblem', () => {
  it('says what was wrong as RFC 9457 asks', () => {
    const { status, headers, body } = toProblem(
      new AppError('unauthenticated', 'auth.token_missing', 'No token'),
      request,
    );
    expect(status).toBe(401);
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json',
      'www-authenticate': 'Bearer realm="potentia"',
    });
    expect(body).toMatchObject({
      type: 'urn:potentia:problem:auth.token_missing',
      status: 401,
      code: 'auth.token_missing',
      instance: '/ws/me',
      request_id: 'request-0001',
    });
  });

  it('says why a token is not taken, in a header that its words cannot break', () => {
    const error = new AppError('unauthenticated', 'auth.token_expired', 'It has "expired"');
    expect(toProblem(error, request).headers['www-authenticate']).toBe(
      'Bearer realm="potentia", error="invalid_token", error_description="It has expired"',
    );
  });

  it('says when to come again', () => {
    const error = new AppError('limit', 'ws.rate_limited', 'Slow down', { retry_after_ms: 1_200 });
    expect(toProblem(error, request)).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
    const away = new AppError('unavailable', 'platform.database_unavailable', 'Away');
    expect(toProblem(away, request)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  });

  it('names the protocol to upgrade to', () => {
    const error = new AppError('invalid', 'http.upgrade_required', 'WebSocket only');
    expect(toProblem(error, request)).toMatchObject({
      status: 426,
      headers: { upgrade: 'websocket', connection: 'upgrade' },
    });
  });

  it('shows nothing of what went wrong here', () => {
    const problem = toProblem(new Error('password=hunter2'), request);
    expect(problem).toMatchObject({ status: 500, body: { code: 'platform.internal' } });
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });
});
