import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { updateWorkspaceSettings, type SettingsUpdate } from '@potentia/db/workspace/settings-queries';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createText, open, ownedCanvas, startHub, type TestCanvas, type TestHub } from './testing/hub.ts';
import { refusal, TestClient } from './testing/client.ts';

let backends: Backends;
let hub: TestHub;
beforeAll(async () => {
  backends = await startBackends();
  hub = await startHub(backends);
});
afterAll(async () => {
  await hub.stop();
  await backends[Symbol.asyncDispose]();
});

const set = ({ workspace_id, owner }: TestCanvas, patch: SettingsUpdate['patch']) =>
  updateWorkspaceSettings(backends.database.db, {
    user_id: owner.user_id,
    workspace_id,
    expected_version: null,
    patch,
    request_id: 'request-1',
  });

it('lets pages of a workspace’s origins into its canvases, and into no other’s', async () => {
  const [mine, other] = [await ownedCanvas(backends), await ownedCanvas(backends)];
  const origin = 'https://pages.example.net';
  await set(mine, { cors_origins: [origin] });
  await using client = await TestClient.connect(`${hub.url}/ws/canvas/${mine.canvas_id}`, mine.owner.token, { origin });
  expect(await client.find('hello')).toMatchObject({ role: 'owner' });
  const foreign = `${hub.url}/ws/canvas/${other.canvas_id}`;
  expect(await refusal(foreign, other.owner.token, { origin })).toEqual({ status: 403, code: 'ws.origin_forbidden' });
});

it('counts a socket by its workspace’s own limit where that is stricter', async () => {
  const canvas = await ownedCanvas(backends);
  await set(canvas, {
    rate_limits: [
      { event: 'mutate', limit: 2, window_ms: 60_000 },
      { event: 'snapshot', limit: 1_000_000_000, window_ms: 1 },
    ],
  });
  await using client = await open(hub, canvas, canvas.owner);
  for (let n = 0; n < 2; n++) {
    expect(await client.mutate(crypto.randomUUID(), [createText('within')])).toMatchObject({ type: 'ack' });
  }
  const mutation_id = crypto.randomUUID();
  client.send({ type: 'mutate', mutation_id, ops: [createText('beyond')] });
  expect(await client.find('error')).toMatchObject({ code: 'ws.rate_limited', ref: mutation_id });
});
