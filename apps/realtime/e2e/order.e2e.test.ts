import { join } from 'node:path';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { newId } from '@potentia/domain/platform/uuid';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Frame, type TestClient } from '../src/testing/client.ts';
import { API_KEYS, createText, hubEnv, invite, open, ownedCanvas, type TestCanvas } from '../src/testing/hub.ts';

const main = (app: string): string => join(import.meta.dirname, `../../${app}/src/main.ts`);

let backends: Backends;
let hubs: SpawnedService[];
let api: SpawnedService;
let jobs: SpawnedService;
beforeAll(async () => {
  backends = await startBackends();
  const env = hubEnv(backends, { ...API_KEYS, ...NO_OBJECTS, LOG_LEVEL: 'info' });
  const limits = { RATE_LIMITS: '[{"limit":1000000,"window_ms":60000}]' };
  const { app_url, job_url } = backends.database;
  [api, jobs, ...hubs] = await Promise.all([
    spawnService({ main: main('api'), env: { ...env, ...limits } }),
    spawnService({ main: main('jobs'), env: { ...env, DATABASE_URL: job_url, APP_DATABASE_URL: app_url } }),
    spawnService({ main: main('realtime'), env }),
    spawnService({ main: main('realtime'), env }),
  ]);
});
afterAll(async () => {
  await Promise.all([api, jobs, ...hubs].map((service) => service.kill()));
  await backends[Symbol.asyncDispose]();
});

interface KnownBlock {
  id: string;
  parent_id: string | null;
  rank: string;
  version: number;
}

/** A canvas as one client has been told of it, frame by frame. */
function modelOf(client: TestClient): { blocks: KnownBlock[]; order: string[]; seq: number } {
  const blocks = new Map<string, KnownBlock>();
  let last = 0;
  for (const frame of client.frames) {
    if (frame.type !== 'snapshot' && frame.type !== 'event') continue;
    last = frame['seq'] as number;
    for (const block of (frame['blocks'] ?? []) as KnownBlock[]) blocks.set(block.id, block);
    for (const { block } of (frame['payload']?.ops ?? []) as { block: KnownBlock }[]) blocks.set(block.id, block);
    for (const [id, rank] of Object.entries((frame['payload']?.ranks ?? {}) as Record<string, string>)) {
      blocks.set(id, { ...blocks.get(id)!, rank });
    }
  }
  const list = [...blocks.values()].toSorted((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  return { blocks: list, order: list.map(({ id }) => id), seq: last };
}

async function mutateOverHttp({ canvas_id }: TestCanvas, token: string, ops: object[]): Promise<Frame> {
  const response = await fetch(`${api.url}/api/v1/canvases/${canvas_id}/mutate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ mutation_id: newId(), ops }),
  });
  return (await response.json()) as Frame;
}

const createAfter = (after_id: string | null, block_id = newId()): object => ({
  ...createText('x', block_id),
  parent_id: null,
  after_id,
});

it('twenty people who write into one gap at once all succeed, and every reader has one order', async () => {
  const canvas = await ownedCanvas(backends);
  const [low, high] = [newId(), newId()];
  await mutateOverHttp(canvas, canvas.owner.token, [createAfter(null, low), createAfter(low, high)]);
  const writers = await Promise.all(Array.from({ length: 20 }, () => invite(backends, canvas)));
  const readers = await Promise.all([0, 1, 0, 1].map((n) => open(hubs[n]!, canvas, canvas.owner)));
  const sockets = await Promise.all(writers.slice(0, 10).map((who, n) => open(hubs[n % 2]!, canvas, who)));

  const answers = await Promise.all([
    ...sockets.map((socket) => socket.mutate(newId(), [createAfter(low)], 20_000)),
    ...writers.slice(10).map(({ token }) => mutateOverHttp(canvas, token, [createAfter(low)])),
  ]);
  expect(answers.map((answer) => answer['seq']).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, n) => n + 2),
  );
  const late = await open(hubs[0]!, canvas, canvas.owner);
  const truth = modelOf(late);
  expect([truth.order.length, truth.order[0], truth.order.at(-1)]).toEqual([22, low, high]);
  for (const reader of [...readers, ...sockets]) {
    await reader.find((frame) => frame['seq'] === 21, 20_000);
    expect(modelOf(reader).order).toEqual(truth.order);
  }
  await Promise.all([...readers, ...sockets, late].map((client) => client[Symbol.asyncDispose]()));
});

/** Fifty edits a second of everybody's own block, each on the version that the last answer gave. */
async function editSteadily(clients: TestClient[], block_ids: string[], until: Promise<unknown>): Promise<Frame[]> {
  const [answers, versions] = [[] as Promise<Frame>[], block_ids.map(() => 1)];
  const going = { on: true };
  void until.finally(() => (going.on = false));
  const turns = clients.map(async (client, i) => {
    while (going.on) {
      const started = performance.now();
      const edit = { op: 'edit', block_id: block_ids[i], version: versions[i], content: { text: `${versions[i]}` } };
      const answer = client.mutate(newId(), [edit], 20_000);
      answers.push(answer);
      if ((await answer).type === 'ack') versions[i]! += 1;
      const rest = 1_000 / (50 / clients.length) - (performance.now() - started);
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    }
  });
  await Promise.all(turns);
  return Promise.all(answers);
}

it('a rebalance under fifty edits a second gives no editor a conflict', { timeout: 60_000 }, async () => {
  const canvas = await ownedCanvas(backends);
  const block_ids = Array.from({ length: 10 }, () => newId());
  const ends = [newId(), newId()] as [string, string];
  await mutateOverHttp(canvas, canvas.owner.token, [
    ...block_ids.map((id) => createText('0', id)),
    createAfter(null, ends[0]),
    createAfter(ends[0], ends[1]),
  ]);
  const editors = await Promise.all(
    block_ids.map(async (_, n) => open(hubs[n % 2]!, canvas, await invite(backends, canvas))),
  );
  const [writer, reader, other] = await Promise.all([0, 0, 1].map((n) => open(hubs[n]!, canvas, canvas.owner)));

  // Meanwhile somebody writes between the last two blocks, from alternating sides, until two rebalances have come.
  let low = ends[0];
  let inserts = 0;
  const reordered = (): Frame[] => reader!.of('event').filter((frame) => frame['event'] === 'blocks.reordered');
  const adversary = async (): Promise<Frame[]> => {
    const answers: Frame[] = [];
    for (; reordered().length < 2 && inserts < 2_000; inserts++) {
      const block_id = newId();
      answers.push(await writer!.mutate(newId(), [createAfter(low, block_id)], 20_000));
      if (inserts % 2) low = block_id;
    }
    return answers;
  };
  const writing = adversary();
  const began = performance.now();
  const edits = await editSteadily(editors, block_ids, writing);
  const seconds = (performance.now() - began) / 1_000;
  const answers = [...edits, ...(await writing)];
  const refused = answers.filter(({ type }) => type !== 'ack');
  expect(refused).toEqual([]);
  expect(reordered().length).toBeGreaterThanOrEqual(2);

  // What was written after the second is shortened by a third.
  const longest = (): number => Math.max(...modelOf(reader!).blocks.map(({ rank }) => rank.length));
  await vi.waitFor(() => expect(longest()).toBeLessThanOrEqual(48), { timeout: 20_000, interval: 100 });
  const late = await open(hubs[1]!, canvas, canvas.owner);
  const truth = modelOf(late);
  for (const client of [reader!, other!, ...editors]) {
    await client.find((frame) => frame['seq'] === truth.seq, 20_000);
    expect(client.whole()).toBe(true);
    expect(modelOf(client).blocks.map(({ id, rank, version }) => [id, rank, version])).toEqual(
      truth.blocks.map(({ id, rank, version }) => [id, rank, version]),
    );
  }
  const lengths = reader!
    .of('event')
    .flatMap((frame) => [
      ...((frame['payload'].ops ?? []) as { block: KnownBlock }[]).map(({ block }) => block.rank.length),
    ]);
  console.log(
    `${edits.length} edits in ${seconds.toFixed(1)} s (${(edits.length / seconds).toFixed(0)}/s) beside ${inserts} inserts: ` +
      `${refused.length} conflicts, ${reordered().length} rebalances, longest key ${Math.max(...lengths)} before, ${longest()} after`,
  );
  expect(Math.max(...lengths)).toBeGreaterThan(48);
  await Promise.all([...editors, writer!, reader!, other!, late].map((client) => client[Symbol.asyncDispose]()));
});
