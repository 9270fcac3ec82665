import { AppError } from '@potentia/domain/platform/errors';
import { describe, expect, it } from 'vitest';
import { toProblem } from './problem.ts';

const request = { id: 'request-0001', path: '/ws/me' };

describe('toProblem', () => {
  it('says what was wrong as RFC 9457 asks', () => {
    const { status, headers, body } = toProblem(
      new AppError('unauthenticated', 'auth.token_missing', 'No token'),
      request,
    );
    expect(status).toBe(401);
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' });
    expect(body).toMatchObject({
      type: 'urn:potentia:problem:auth.token_missing',
      status: 401,
      code: 'auth.token_missing',
      instance: '/ws/me',
      request_id: 'request-0001',
    });
  });

  it('says when to come again', () => {
    const error = new AppError('limit', 'ws.rate_limited', 'Slow down', { retry_after_ms: 1_200 });
    expect(toProblem(error, request)).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
  });

  it('names the protocol to upgrade to', () => {
    const error = new AppError('invalid', 'http.upgrade_required', 'WebSocket only');
    expect(toProblem(error, request)).toMatchObject({ status: 426, headers: { upgrade: 'websocket' } });
  });

  it('shows nothing of what went wrong here', () => {
    const problem = toProblem(new Error('password=hunter2'), request);
    expect(problem.status).toBe(500);
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });
});
