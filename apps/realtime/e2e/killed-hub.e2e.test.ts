import { startBackends } from '@potentia/domain/platform/testing/backends';
import { join } from 'node:path';
import { spawnService } from '@potentia/config/testing/spawn-service';
import { expect, it } from 'vitest';
import { hubEnv, invite, open, ownedCanvas } from '../src/testing/hub.ts';

const HUB = join(import.meta.dirname, '../src/main.ts');

it('the presence of a hub that is killed expires by itself on the other, and its sockets leave the sum', async () => {
  await using backends = await startBackends();
  const env = hubEnv(backends, { LOG_LEVEL: 'info' });
  await using doomed = await spawnService({ main: HUB, env });
  await using other = await spawnService({ main: HUB, env });
  const canvas = await ownedCanvas(backends);
  const ada = await open(doomed, canvas, canvas.owner);
  await using bob = await open(other, canvas, await invite(backends, canvas));
  const clusterSockets = async (): Promise<number> => {
    const metrics = await (await fetch(`${other.url}/metrics`)).text();
    return Number(/^ws_cluster_sockets\S* (\d+)/m.exec(metrics)?.[1]);
  };
  ada.send({ type: 'presence', cursor: { x: 1 } });
  const { session_id } = await bob.find('presence');
  await expect.poll(clusterSockets, { timeout: 12_000, interval: 200 }).toBe(2);

  await doomed.kill();
  expect(await bob.find('presence.left', 30_000)).toMatchObject({ session_id });
  await using carl = await open(other, canvas, canvas.owner);
  expect(carl.of('snapshot')[0]!['presence']).toEqual([]);
  await expect.poll(clusterSockets, { timeout: 12_000, interval: 200 }).toBe(2);
});
