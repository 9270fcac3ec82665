import { giveApiKey } from '@potentia/domain/auth/testing/api-key';
import { revokeApiKey } from '@potentia/domain/auth/revoke-api-key';
import type { Scope } from '@potentia/domain/auth/rules/scopes';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { newId } from '@potentia/domain/platform/uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { refusal } from './testing/client.ts';
import {
  actAs,
  createText,
  open,
  ownedCanvas,
  type Person,
  startHub,
  type TestCanvas,
  type TestHub,
} from './testing/hub.ts';

let backends: Backends;
let hub: TestHub;
let canvas: TestCanvas;
beforeAll(async () => {
  backends = await startBackends();
  hub = await startHub(backends);
  canvas = await ownedCanvas(backends);
});
afterAll(async () => {
  await hub.stop();
  await backends[Symbol.asyncDispose]();
});

const bearer = (scopes: Scope[], overrides: { expires_at?: string } = {}): Promise<Person> =>
  giveApiKey(
    backends.database.db,
    { workspace_id: canvas.workspace_id, owner_user_id: canvas.owner.user_id },
    scopes,
    overrides,
  );

it('a key that may write joins and edits; everybody sees who it was', async () => {
  const key = await bearer(['canvas:write']);
  await using person = await open(hub, canvas, canvas.owner);
  await using robot = await open(hub, canvas, key);
  expect(await robot.find('hello')).toMatchObject({ role: 'editor', can_write: true });
  const mutation_id = newId();
  expect(await robot.mutate(mutation_id, [createText('beep')])).toMatchObject({ type: 'ack' });
  const event = await person.find((frame) => frame['mutation_id'] === mutation_id);
  expect(event).toMatchObject({ actor_user_id: key.user_id });
});

it('a key that may only read is a viewer, whatever its role in the workspace', async () => {
  const key = await bearer(['canvas:read', 'workspace:admin']);
  await using robot = await open(hub, canvas, key);
  expect(await robot.find('hello')).toMatchObject({ role: 'viewer', can_write: false });
  const answer = await robot.mutate(newId(), [createText('no')]);
  expect(answer).toMatchObject({ type: 'error', code: 'api_key.scope_missing' });
});

it('without a scope for canvases, or on the channel of a person, a key is refused in the handshake', async () => {
  const missing = { status: 403, code: 'api_key.scope_missing' };
  const url = `${hub.url}/ws/canvas/${canvas.canvas_id}`;
  expect(await refusal(url, (await bearer(['workspace:admin'])).token)).toEqual(missing);
  expect(await refusal(`${hub.url}/ws/me`, (await bearer(['canvas:write', 'workspace:admin'])).token)).toEqual(missing);
  const foreign = await ownedCanvas(backends);
  const elsewhere = await refusal(`${hub.url}/ws/canvas/${foreign.canvas_id}`, (await bearer(['canvas:write'])).token);
  expect(elsewhere).toEqual({ status: 404, code: 'canvas.not_found' });
});

it.each(['told', 'untold'])('a key that is revoked, %s by the bus, loses its open socket within 2 s', async (how) => {
  const key = await bearer(['canvas:write']);
  await using robot = await open(hub, canvas, key);
  const ctx = actAs(hub, canvas.owner);
  const silent = { publish: () => undefined };
  const began = performance.now();
  await revokeApiKey(how === 'told' ? ctx : { ...ctx, bus: silent }, {
    workspace_id: canvas.workspace_id,
    api_key_id: key.user_id,
  });
  expect(await robot.closed).toMatchObject({ reason: 'access_lost' });
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await refusal(`${hub.url}/ws/canvas/${canvas.canvas_id}`, key.token)).toEqual({
    status: 404,
    code: 'canvas.not_found',
  });
});

it('a key that expires loses its open socket within 2 s, and is refused after', async () => {
  const ends_at = Date.now() + 1_500;
  const key = await bearer(['canvas:read'], { expires_at: new Date(ends_at).toISOString() });
  await using robot = await open(hub, canvas, key);
  expect(await robot.closed).toMatchObject({ reason: 'token_expired' });
  expect(Date.now() - ends_at).toBeLessThan(2_000);
  expect(await refusal(`${hub.url}/ws/canvas/${canvas.canvas_id}`, key.token)).toEqual({
    status: 401,
    code: 'auth.token_expired',
  });
});

it('an auth frame takes the same key again, and neither another key nor one that is none', async () => {
  const [key, other] = [await bearer(['canvas:read']), await bearer(['canvas:read'])];
  await using robot = await open(hub, canvas, key);
  robot.send({ type: 'auth', token: key.token });
  expect(await robot.find('auth.ok')).toMatchObject({ expires_at: '9999-12-31T23:59:59.000Z' });
  robot.send({ type: 'auth', token: other.token, ref: 'a' });
  expect(await robot.find((frame) => frame.type === 'error')).toMatchObject({ code: 'auth.other_user' });
  robot.send({ type: 'auth', token: 'pot_nonsense', ref: 'b' });
  expect(await robot.find((frame) => frame['code'] === 'auth.token_invalid')).toMatchObject({ type: 'error' });
});
