import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startFakeWorker } from '@potentia/domain/whatsapp/testing/fake-worker';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';
import { commandsOf, emptyGateway, type Gateway, startGateway } from '../testing/gateway-kit.ts';

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

let gateway: Gateway;
let owner: Person;
beforeEach(async () => {
  await emptyGateway(backends);
  gateway = startGateway(api, backends);
  owner = await person(backends.issuer);
  return () => gateway[Symbol.asyncDispose]();
});

const ask = (session_id: string, below: string, body?: object) => gateway.ask(owner, session_id, below, body);
const say = (status: string, phone: string | null = '628123456789') =>
  backends.database.asOwner('update app.whatsapp_sessions set status = $1, phone = $2', [status, phone]);

describe('a worker whose beats stop', () => {
  test('is dead after three, and its sessions go to others, each under the next generation', async () => {
    const dead = await gateway.addWorker();
    const ids = await gateway.several(owner, 3);
    await say('connected');
    const other = await gateway.addWorker();
    await backends.database.asOwner(
      `update app.whatsapp_workers set heartbeat_at = now() - heartbeat_ms * interval '2.9 ms' where id = $1`,
      [dead.worker_id],
    );
    await gateway.sweep();
    expect(await gateway.statusOf(dead)).toBe('alive');
    await dead.kill();
    await gateway.silence(dead);
    await gateway.sweep();
    expect(await gateway.statusOf(dead)).toBe('dead');
    expect(gateway.job_ctx.takeovers).toBe(3);
    await gateway.work();
    for (const id of ids) {
      expect(await gateway.card(owner, id)).toMatchObject({ worker_id: other.worker_id, generation: 2 });
      expect(other.held.get(id)).toMatchObject({ generation: 2 });
    }
  });

  test('loses to the others what it still believes to hold, and is told so when it comes back', async () => {
    const frozen = await gateway.addWorker();
    const [id = ''] = await gateway.several(owner, 1);
    const other = await gateway.addWorker();
    await gateway.silence(frozen);
    await gateway.sweep();
    await gateway.work();
    expect(gateway.book.holderOf(id)).toEqual({ worker: other.identity, generation: 2 });
    expect(frozen.held.get(id)).toMatchObject({ generation: 1 });
    expect((await gateway.beat(frozen)).body.lost).toEqual([id]);
    expect(await gateway.statusOf(frozen)).toBe('alive');
    expect((await gateway.card(owner, id)).worker_id).toBe(other.worker_id);
  });

  test('goes on with its sessions when it comes back before anybody could take them', async () => {
    const only = await gateway.addWorker();
    const [id = ''] = await gateway.several(owner, 1);
    await say('connected');
    await gateway.silence(only);
    await gateway.sweep();
    await gateway.work();
    expect(await gateway.card(owner, id)).toMatchObject({ status: 'disconnected', status_reason: 'worker.dead' });
    expect((await gateway.beat(only)).body.lost).toEqual([]);
    await gateway.work();
    expect(await gateway.card(owner, id)).toMatchObject({ status: 'connected', status_reason: null, generation: 1 });
    expect(commandsOf(only, id)).toEqual(['PUT']);
  });

  test('leaves what had ended by itself as it is, and what was to be disconnected without a worker', async () => {
    const dead = await gateway.addWorker();
    const [ended = '', unscanned = '', unwanted = ''] = await gateway.several(owner, 3);
    await say('connected');
    const set = (id: string, status: string, phone: string | null) =>
      backends.database.asOwner('update app.whatsapp_sessions set status = $2, phone = $3 where id = $1', [
        ...[id, status, phone],
      ]);
    await set(ended, 'logged_out', '628111111111');
    await set(unscanned, 'disconnected', null);
    await ask(unwanted, '/disconnect');
    await gateway.addWorker();
    await dead.kill();
    await gateway.silence(dead);
    await gateway.sweep();
    await gateway.work();
    for (const id of [ended, unscanned]) expect((await gateway.card(owner, id)).generation).toBe(1);
    expect(await gateway.card(owner, unwanted)).toMatchObject({
      worker_id: null,
      status: 'disconnected',
      generation: 1,
    });
    // Asked for, it begins again.
    await ask(ended, '/connect', {});
    await gateway.work();
    expect((await gateway.card(owner, ended)).generation).toBe(2);
  });

  test('is forgotten after a day', async () => {
    const dead = await gateway.addWorker();
    await gateway.silence(dead);
    await gateway.sweep();
    expect(await gateway.statusOf(dead)).toBe('dead');
    await backends.database.asOwner(`update app.whatsapp_workers set heartbeat_at = now() - interval '25 hours'`);
    await gateway.sweep();
    expect(await gateway.statusOf(dead)).toBeUndefined();
    expect((await gateway.beat(dead)).status).toBe(404);
  });
});

describe('another process under the same name', () => {
  test('takes the place of the first: its sessions are placed again at once, and its beats are answered 404', async () => {
    const old = await gateway.addWorker({ name: 'pod-1' });
    const ids = await gateway.several(owner, 3);
    await say('connected');
    const next = await startFakeWorker([GATEWAY_SECRETS.SERVICE_JWT_SECRETS], gateway.book);
    await gateway.register(next, { name: 'pod-1' });
    expect(next.worker_id).not.toBe(old.worker_id);
    await gateway.work();
    for (const id of ids) {
      expect(await gateway.card(owner, id)).toMatchObject({ worker_id: next.worker_id, generation: 2 });
      expect(gateway.book.holderOf(id)).toEqual({ worker: next.identity, generation: 2 });
    }
    expect(await gateway.beat(old)).toMatchObject({ status: 404, body: { code: 'worker.unknown' } });
    await next.kill();
  });
});

describe('what a worker holds and what it should', () => {
  test('is made the same: a session that it should hold is commanded again, once', async () => {
    const worker = await gateway.addWorker();
    const [id = ''] = await gateway.several(owner, 1);
    worker.held.clear();
    await gateway.beat(worker);
    await gateway.work();
    // It was placed just now: its PUT may be on its way.
    expect(commandsOf(worker, id)).toEqual(['PUT']);
    await backends.database.asOwner(`update app.whatsapp_sessions set placed_at = now() - interval '1 minute'`);
    await gateway.beat(worker);
    await gateway.beat(worker);
    await gateway.work();
    expect(commandsOf(worker, id)).toEqual(['PUT', 'PUT', 'PATCH /settings']);
    expect((await gateway.card(owner, id)).generation).toBe(1);
  });

  test('but what has ended by itself is not begun again', async () => {
    const worker = await gateway.addWorker();
    const [id = ''] = await gateway.several(owner, 1);
    await say('banned');
    worker.held.clear();
    await backends.database.asOwner(`update app.whatsapp_sessions set placed_at = now() - interval '1 minute'`);
    await gateway.beat(worker);
    await gateway.work();
    expect(commandsOf(worker, id)).toEqual(['PUT']);
  });
});

describe('the sessions of a workspace that is deleted', () => {
  test('are disconnected at once, and at the end deleted by a worker before the workspace goes', async () => {
    const worker = await gateway.addWorker();
    const [id = ''] = await gateway.several(owner, 1);
    const { workspace_id } = await gateway.card(owner, id);
    const { asOwner } = backends.database;
    await asOwner('update app.workspaces set deleted_at = now() where id = $1', [workspace_id]);
    await gateway.sweep();
    await gateway.work();
    expect(commandsOf(worker, id)).toEqual(['PUT', 'POST /disconnect']);
    await asOwner(`update app.workspaces set deleted_at = now() - interval '31 days' where id = $1`, [workspace_id]);
    const purge = () => backends.database.job_db.call('select * from app.purge_workspace_step(100, $1)', ['r']);
    expect(await purge()).toEqual([]);
    await gateway.sweep();
    await gateway.work();
    expect(commandsOf(worker, id)).toEqual(['PUT', 'POST /disconnect', 'PUT', 'DELETE']);
    while ((await purge()).length > 0);
    expect(await asOwner('select 1 from app.workspaces where id = $1', [workspace_id])).toEqual([]);
  });
});
