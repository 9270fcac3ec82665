import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import { boundRequests } from './deadline.ts';

it('a request that hangs is given up with 503; one that answers in time is left alone', async () => {
  const app = fastify();
  boundRequests(app, 40);
  app.get('/hangs', () => new Promise(() => undefined));
  app.get('/answers', () => ({ ok: true }));
  const [hung, answered] = await Promise.all([app.inject('/hangs'), app.inject('/answers')]);
  expect(answered.statusCode).toBe(200);
  expect(hung.statusCode).toBe(503);
  expect(hung.json()).toMatchObject({ code: 'http.deadline_exceeded' });
  expect(hung.headers['content-type']).toMatch('application/problem+json');
  expect(hung.headers).toMatchObject({ 'retry-after': '1' });
  await app.close();
});
