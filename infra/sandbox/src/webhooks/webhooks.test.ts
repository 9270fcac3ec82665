import { expect, test } from 'vitest';
import { buildSandbox } from '../app.ts';

test('what is posted is taken and listed as it came, newest first; a status can be asked for', async () => {
  const sandbox = await buildSandbox();
  await using _ = sandbox;
  const post = (path: string, body: string) =>
    sandbox.app.inject({
      method: 'POST',
      url: `/webhooks/${path}`,
      headers: { 'content-type': 'application/json', 'webhook-id': 'm1', authorization: 'x' },
      payload: body,
    });
  expect((await post('a', '{ "n": 1 }')).statusCode).toBe(204);
  expect((await post('status/410', 'not json')).statusCode).toBe(410);
  expect((await sandbox.app.inject('/webhooks')).json()).toMatchObject({
    items: [
      { path: '/webhooks/status/410', body: 'not json' },
      { path: '/webhooks/a', body: '{ "n": 1 }', headers: { 'webhook-id': 'm1', 'content-type': 'application/json' } },
    ],
  });
  expect(
    (await sandbox.app.inject('/webhooks')).json<{ items: { headers: object }[] }>().items[0]?.headers,
  ).not.toHaveProperty('authorization');
});
