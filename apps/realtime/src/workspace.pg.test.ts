import { addMember, seedCanvas, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { personCtx } from '@potentia/domain/platform/testing/person';
import { changeWorkspaceMember } from '@potentia/domain/workspace/change-workspace-member';
import { deleteWorkspace } from '@potentia/domain/workspace/delete-workspace';
import { leaveWorkspace } from '@potentia/domain/workspace/leave-workspace';
import { publishWorkspaceAccess } from '@potentia/domain/workspace/publish';
import { removeWorkspaceMember } from '@potentia/domain/workspace/remove-workspace-member';
import { restoreWorkspace } from '@potentia/domain/workspace/restore-workspace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestClient } from './testing/client.ts';
import { actAs, open, type Person, startHub, type TestHub } from './testing/hub.ts';

let backends: Backends;
beforeAll(async () => {
  backends = await startBackends();
});
afterAll(() => backends[Symbol.asyncDispose]());

interface World {
  workspace: SeededWorkspace;
  owner: { user_id: string };
  canvases: { canvas_id: string }[];
  people: Person[];
  /** One socket per person and canvas. */
  sockets: { person: Person; client: TestClient }[];
}

/** A workspace whose members are all on all its canvases, spread over the hubs. */
async function openWorkspace(hubs: TestHub[], size: { people: number; canvases: number }): Promise<World> {
  const { database, issuer } = backends;
  const workspace = await seedWorkspace(database.db);
  const canvases = await Promise.all(Array.from({ length: size.canvases }, () => seedCanvas(database.db, workspace)));
  const people = await Promise.all(
    Array.from({ length: size.people }, async (): Promise<Person> => {
      const { user_id, email } = await seedUser(database.db);
      await addMember(database.db, workspace, 'member', { user_id });
      return { user_id, token: await issuer.sign({ sub: user_id, email }) };
    }),
  );
  const sockets: World['sockets'] = [];
  for (const person of people) {
    const clients = await Promise.all(canvases.map((canvas, i) => open(hubs[i % hubs.length]!, canvas, person)));
    sockets.push(...clients.map((client) => ({ person, client })));
  }
  return { workspace, owner: { user_id: workspace.owner_user_id }, canvases, people, sockets };
}

const clientsOf = ({ sockets }: World, person: Person): TestClient[] =>
  sockets.filter((socket) => socket.person === person).map(({ client }) => client);

async function expectAlive(clients: TestClient[]): Promise<void> {
  const pings = clients.map((client, i) => {
    client.send({ type: 'ping', ref: `alive ${i}` });
    return client.find((frame) => frame.type === 'pong' && frame['ref'] === `alive ${i}`);
  });
  await Promise.all(pings);
}

const endAll = async ({ sockets }: World): Promise<void> => {
  await Promise.all(sockets.map(({ client }) => client[Symbol.asyncDispose]()));
};

async function checksOf({ context }: TestHub): Promise<number> {
  return (await context.metrics.access_checks.get()).values[0]?.value ?? 0;
}

describe('a change in a workspace', () => {
  it('closes every socket of who is removed, on both replicas within two seconds, and nobody else’s', async () => {
    await using hub_a = await startHub(backends);
    await using hub_b = await startHub(backends);
    const world = await openWorkspace([hub_a, hub_b], { people: 3, canvases: 4 });
    const [gone, stays, leaves] = world.people as [Person, Person, Person];
    const { workspace_id } = world.workspace;

    let started = performance.now();
    await removeWorkspaceMember(actAs(hub_a, world.owner), { workspace_id, user_id: gone.user_id });
    for (const client of clientsOf(world, gone)) expect(await client.closed).toMatchObject({ code: 4003 });
    expect(performance.now() - started).toBeLessThan(2_000);
    await expect(open(hub_b, world.canvases[0]!, gone)).rejects.toMatchObject({ status: 404 });
    await expectAlive([...clientsOf(world, stays), ...clientsOf(world, leaves)]);

    started = performance.now();
    await leaveWorkspace(actAs(hub_b, leaves), { workspace_id });
    for (const client of clientsOf(world, leaves)) expect(await client.closed).toMatchObject({ code: 4003 });
    expect(performance.now() - started).toBeLessThan(2_000);
    await expectAlive(clientsOf(world, stays));
    await endAll(world);
  });

  it('tells a promotion, and closes a member who becomes a guest', async () => {
    await using hub = await startHub(backends);
    const world = await openWorkspace([hub], { people: 1, canvases: 2 });
    const [person] = world.people as [Person];
    const { workspace_id } = world.workspace;
    const change = { workspace_id, user_id: person.user_id };
    await changeWorkspaceMember(actAs(hub, world.owner), { ...change, role: 'admin' });
    for (const client of clientsOf(world, person)) {
      expect(await client.find('access')).toMatchObject({ role: 'admin', can_write: true });
    }
    await changeWorkspaceMember(actAs(hub, world.owner), { ...change, role: 'guest' });
    for (const client of clientsOf(world, person)) expect(await client.closed).toMatchObject({ code: 4003 });
    await endAll(world);
  });

  it('closes every socket when the workspace is deleted, and lets them in again once it is restored', async () => {
    await using hub_a = await startHub(backends);
    await using hub_b = await startHub(backends);
    const world = await openWorkspace([hub_a, hub_b], { people: 2, canvases: 2 });
    const { workspace_id } = world.workspace;
    const started = performance.now();
    await deleteWorkspace(actAs(hub_a, world.owner), { workspace_id, name: 'Seeded workspace' });
    for (const { client } of world.sockets) expect(await client.closed).toMatchObject({ code: 4004 });
    expect(performance.now() - started).toBeLessThan(2_000);
    await expect(open(hub_a, world.canvases[0]!, world.people[0]!)).rejects.toMatchObject({ status: 404 });
    await restoreWorkspace(actAs(hub_b, world.owner), { workspace_id });
    await using _back = await open(hub_a, world.canvases[0]!, world.people[0]!);
  });

  it('costs one query for 200 sockets in 20 rooms', async () => {
    await using hub = await startHub(backends);
    await using other = await startHub(backends);
    const world = await openWorkspace([hub], { people: 10, canvases: 20 });
    const { workspace_id } = world.workspace;
    // Rooms that have just opened are checked once by the poll.
    await hub.context.hub.poll();
    await expectAlive(world.sockets.map(({ client }) => client));
    const { asOwner } = backends.database;
    await asOwner(`update app.workspace_members set role = 'admin' where workspace_id = $1`, [workspace_id]);
    await asOwner('update app.workspaces set access_version = access_version + 1 where id = $1', [workspace_id]);
    const before = await checksOf(hub);
    publishWorkspaceAccess(actAs(other, world.owner), workspace_id);
    for (const { client } of world.sockets) expect(await client.find('access')).toMatchObject({ role: 'admin' });
    await hub.context.hub.poll();
    // One for the message; one more if a poll of the hub's own came between the change and the message.
    expect((await checksOf(hub)) - before).toBeLessThanOrEqual(2);
    await endAll(world);
  });
});

describe('without Redis', () => {
  it('who is removed is out within two seconds, by one query for all rooms; the others stay', async () => {
    await using alone = await startBackends();
    const shared = backends;
    backends = alone;
    await using hub = await startHub(alone);
    const world = await openWorkspace([hub], { people: 2, canvases: 10 });
    backends = shared;
    await hub.context.hub.poll();
    await alone.redis.kill();
    const [gone, stays] = world.people as [Person, Person];
    await expectAlive(clientsOf(world, stays));
    const before = await checksOf(hub);
    const started = performance.now();
    const ctx = personCtx(alone.database.db, world.owner.user_id);
    await removeWorkspaceMember(ctx, { workspace_id: world.workspace.workspace_id, user_id: gone.user_id });
    for (const client of clientsOf(world, gone)) expect(await client.closed).toMatchObject({ code: 4003 });
    expect(performance.now() - started).toBeLessThan(2_000);
    expect((await checksOf(hub)) - before).toBe(1);
    await expectAlive(clientsOf(world, stays));
    await endAll(world);
  });
});
