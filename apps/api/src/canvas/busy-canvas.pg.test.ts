import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

it('a stranger learns nothing of a busy canvas, and a colleague still finds a place in its queue', async () => {
  const [owner, colleague, stranger] = [
    await person(backends.issuer),
    await person(backends.issuer),
    await person(backends.issuer),
  ];
  for (const who of [colleague, stranger]) await api.call(who, 'GET', '/api/v1/me');
  const canvas_id = await api.makeCanvas(owner);
  const members = `/api/v1/canvases/${canvas_id}/members`;
  await api.call(owner, 'POST', members, { user_id: colleague.user_id, role: 'editor' });
  const write = (who: Person, id = canvas_id): Promise<Answer> =>
    api.call(who, 'POST', `/api/v1/canvases/${id}/mutate`, {
      mutation_id: randomUUID(),
      ops: [{ op: 'create', type: 'text', content: { text: 'x' } }],
    });

  // Somebody holds the canvas's lock, and the owner alone asks for more than there are places.
  const { asOwner } = backends.database;
  await asOwner('begin');
  await asOwner('select 1 from app.canvas_heads where canvas_id = $1 for update', [canvas_id]);
  const crowd = Array.from({ length: 150 }, () => write(owner));
  const [first, none, foreign] = [
    await Promise.race(crowd),
    await write(stranger, randomUUID()),
    await write(stranger),
  ];
  const late = write(colleague);
  await asOwner('rollback');
  expect(first).toMatchObject({ status: 429, body: { code: 'canvas.busy' } });
  expect(foreign).toMatchObject({ status: 404, body: { code: 'canvas.not_found' } });
  const bare = ({ request_id: _id, instance: _path, ...shown }: Record<string, unknown>) => shown;
  expect(bare(foreign.body)).toEqual(bare(none.body));
  expect((await late).status).toBe(200);
  const statuses = (await Promise.all(crowd)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(150 - 64 - 2);
});
