import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { newId } from '@potentia/domain/platform/uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createText, invite, open, ownedCanvas, startHub, type TestHub } from './testing/hub.ts';

let backends: Backends;
let hub_a: TestHub;
let hub_b: TestHub;
beforeAll(async () => {
  backends = await startBackends();
  [hub_a, hub_b] = [await startHub(backends), await startHub(backends)];
});
afterAll(async () => {
  await Promise.all([hub_a?.stop(), hub_b?.stop()]);
  await backends?.[Symbol.asyncDispose]();
});

it('copies, deletions and restores go over the socket, and reach the other replica', async () => {
  const canvas = await ownedCanvas(backends);
  await using ada = await open(hub_a, canvas, canvas.owner);
  await using bob = await open(hub_b, canvas, await invite(backends, canvas));
  const [block_id, copy_id] = [newId(), newId()];
  await ada.mutate(newId(), [createText('one', block_id)]);
  const ack = await ada.mutate(newId(), [
    { op: 'copy', block_id, copy_id },
    { op: 'delete', block_id, version: 1 },
    { op: 'restore', block_id },
  ]);
  expect(ack).toMatchObject({ type: 'ack', seq: 2, ops: [{ op: 'copy' }, { op: 'delete' }, { op: 'restore' }] });
  const event = await bob.find((frame) => frame.type === 'event' && frame['seq'] === 2);
  expect(event['payload']).toEqual({ ops: ack['ops'] });
  expect(await ada.mutate(newId(), [{ op: 'restore', block_id }])).toMatchObject({
    type: 'conflict',
    code: 'block.not_in_trash',
    current: { id: block_id },
  });
});

it('a restore that takes several events reaches every client whole and in order', async () => {
  const canvas = await ownedCanvas(backends);
  await using ada = await open(hub_a, canvas, canvas.owner);
  await using bob = await open(hub_b, canvas, await invite(backends, canvas));
  const block_id = newId();
  await ada.mutate(newId(), [createText('one', block_id)]);
  await backends.database.asOwner(
    `insert into app.blocks (workspace_id, canvas_id, id, parent_id, type, content, rank, created_by, updated_by)
     select $1, $2, gen_random_uuid(), $3, 'x', jsonb_build_object('n', repeat('x', 60000)), 'b' || lpad(i::text, 8, '0'), $4, $4
     from generate_series(1, 120) i`,
    [canvas.workspace_id, canvas.canvas_id, block_id, canvas.owner.user_id],
  );
  await ada.mutate(newId(), [{ op: 'delete', block_id, version: 1 }]);
  const { seq } = await ada.mutate(newId(), [{ op: 'restore', block_id }], 15_000);
  expect(seq).toBe(5);
  for (const client of [ada, bob]) {
    await client.find((frame) => frame.type === 'event' && frame['seq'] === seq, 15_000);
    expect(client.whole()).toBe(true);
    const blocks = client
      .of('event')
      .flatMap((frame) => (frame['payload'] as { ops: { op: string; blocks?: unknown[] }[] }).ops)
      .flatMap((op) => (op.op === 'restore' ? (op.blocks ?? []) : []));
    expect(blocks).toHaveLength(121);
  }
}, 30_000);
