import { startBackends } from '@potentia/domain/platform/testing/backends';
import { freePort, startRedis } from '@potentia/db/testing/redis';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import { newId } from '@potentia/domain/platform/uuid';
import { expect, it, vi } from 'vitest';
import { createText, invite, open, ownedCanvas, startHub } from './testing/hub.ts';

it('two hubs on a Redis Cluster share events, presence and the sum of sockets', async () => {
  await using backends = await startBackends();
  await using node = await startRedis({
    args: [
      '--cluster-enabled',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
      '--cluster-port',
      String(await freePort()),
    ],
  });
  const admin = createRedis({ url: node.url, timeout_ms: 1_000, role: 'queue' });
  await vi.waitFor(() => expect(admin.status).toBe('ready'));
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
  await vi.waitFor(async () => expect(await admin.call('CLUSTER', 'INFO')).toContain('cluster_state:ok'), 5_000);
  admin.disconnect();

  const env = { REDIS_URL: `${node.url},${node.url}` };
  await using hub_a = await startHub(backends, env);
  await using hub_b = await startHub(backends, env);
  const canvas = await ownedCanvas(backends);
  await using ada = await open(hub_a, canvas, canvas.owner);
  await using bob = await open(hub_b, canvas, await invite(backends, canvas));
  await ada.mutate(newId(), [createText('over a cluster')]);
  await bob.find('event');
  // By Redis, that is: the poll of Postgres would have brought it too.
  const { values } = await hub_b.context.metrics.events.get();
  expect(values.find(({ labels }) => labels.source === 'redis')?.value).toBe(1);
  ada.send({ type: 'presence', cursor: { x: 1 } });
  await bob.find('presence');
  await vi.waitFor(async () => {
    const { values } = await hub_a.context.metrics.cluster_sockets.get();
    expect(values[0]?.value).toBe(2);
  }, 8_000);
});
