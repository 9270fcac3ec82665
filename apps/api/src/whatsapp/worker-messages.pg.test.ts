import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedSession, seedWorker, type SeededSession } from '@potentia/db/testing/seed-whatsapp';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { batchOf, inboundEvent, messageStatusEvent, usageEvent } from '@potentia/domain/whatsapp/testing/worker-events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../testing/api.ts';
import { tellApi } from '../testing/worker-webhook.ts';

let backends: Backends;
let api: TestApi;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await backends?.[Symbol.asyncDispose]();
});

const tell = (kind: Parameters<typeof tellApi>[1], body: unknown) => tellApi(api, kind, body);

interface Scene {
  workspace: SeededWorkspace;
  worker_id: string;
  session: SeededSession;
}
async function setUp(): Promise<Scene> {
  const workspace = await seedWorkspace(backends.database.db);
  const { worker_id } = await seedWorker(backends.database);
  return { workspace, worker_id, session: await seedSession(backends.database, workspace, { worker_id }) };
}

/** What people are to be told, in the order in which it goes out. */
const told = ({ workspace_id }: { workspace_id: string }) =>
  backends.database.asOwner<{ payload: Record<string, unknown> }>(
    `select payload from app.outbox where topic = 'me.deliver' and workspace_id = $1 order by available_at, id`,
    [workspace_id],
  );

describe('messages', () => {
  const events = async (scene: Scene) =>
    (await told(scene.workspace)).map(({ payload }) => [
      payload['type'],
      payload['user_id'],
      payload['message'] ?? payload,
    ]);

  it('that came in are told in their order to who made the session, for as long as they belong to the workspace', async () => {
    const scene = await setUp();
    const { session, worker_id, workspace } = scene;
    const texts = Array.from({ length: 50 }, (_, n) => `number ${n}`);
    const body = batchOf(
      worker_id,
      texts.map((text) => inboundEvent(session, text)),
    );
    expect((await tell('message-inbound', body)).body).toEqual({ taken: 50, repeated: 0, ignored: 0 });
    const told_of = await events(scene);
    expect(told_of.map(([, , message]) => (message as { content: { text: string } }).content.text)).toEqual(texts);
    expect(new Set(told_of.map(([type, user_id]) => `${String(type)} ${String(user_id)}`))).toEqual(
      new Set([`whatsapp.message ${workspace.owner_user_id}`]),
    );

    const maker = await addMember(backends.database.db, workspace, 'admin');
    await backends.database.asOwner('update app.whatsapp_sessions set created_by = $2 where id = $1', [
      session.session_id,
      maker.user_id,
    ]);
    await backends.database.asOwner('delete from app.workspace_members where user_id = $1', [maker.user_id]);
    await tell('message-inbound', batchOf(worker_id, [inboundEvent(session, 'private')]));
    expect(JSON.stringify(await events(scene))).not.toContain('private');
  });

  it('are taken of any placement that there was', async () => {
    const { session, worker_id } = await setUp();
    await backends.database.asOwner('update app.whatsapp_sessions set generation = 9 where id = $1', [
      session.session_id,
    ]);
    const other = await seedWorker(backends.database);
    const old = { ...session, generation: 3 };
    expect((await tell('message-inbound', batchOf(worker_id, [inboundEvent(old, 'a')]))).body).toMatchObject({
      taken: 1,
    });
    const sent = batchOf(other.worker_id, [messageStatusEvent(old)]);
    expect((await tell('message-status', sent)).body).toMatchObject({ taken: 1 });
  });

  it('that went out are told to who made the session and to who asked for the message, if they may read it', async () => {
    const scene = await setUp();
    const { session, worker_id, workspace } = scene;
    const asker = await addMember(backends.database.db, workspace, 'member');
    const guest = await addMember(backends.database.db, workspace, 'guest');
    const stranger = await seedWorkspace(backends.database.db);
    const people = [asker.user_id, guest.user_id, stranger.owner_user_id, null];
    const body = batchOf(
      worker_id,
      people.map((requested_by) => messageStatusEvent(session, { requested_by })),
    );
    expect((await tell('message-status', body)).body).toMatchObject({ taken: 4 });
    const told_of = await events(scene);
    expect(told_of.filter(([, user_id]) => user_id === workspace.owner_user_id)).toHaveLength(4);
    expect(told_of.filter(([, user_id]) => user_id === asker.user_id)).toMatchObject([
      ['whatsapp.message_status', asker.user_id, { status: 'acked', requested_by: asker.user_id }],
    ]);
    expect(told_of).toHaveLength(5);
  });

  it('of a workspace that is deleted are told to nobody', async () => {
    const scene = await setUp();
    const { session, worker_id, workspace } = scene;
    const { workspace_id, owner_user_id } = workspace;
    await backends.database.asOwner(
      `insert into app.webhooks (id, workspace_id, url, event_types, secret, created_by)
       values (gen_random_uuid(), $1, 'https://example.com', '{whatsapp.*}', 'x', $2)`,
      [workspace_id, owner_user_id],
    );
    const count = async () => {
      const text = 'select 1 from app.webhook_deliveries where workspace_id = $1';
      return [(await backends.database.asOwner(text, [workspace_id])).length, (await events(scene)).length];
    };
    await tell('message-inbound', batchOf(worker_id, [inboundEvent(session, 'before')]));
    expect(await count()).toEqual([1, 1]);
    await backends.database.asOwner('update app.workspaces set deleted_at = now() where id = $1', [workspace_id]);
    await tell('message-inbound', batchOf(worker_id, [inboundEvent(session, 'after')]));
    expect(await count()).toEqual([1, 1]);
  });

  it('are counted by days, whose totals only grow', async () => {
    const { session, worker_id, workspace } = await setUp();
    const usage = (sent: number, received: number) => usageEvent(session, { sent, received });
    expect((await tell('session-usage', batchOf(worker_id, [usage(5, 7), usage(6, 7)]))).body).toMatchObject({
      taken: 2,
    });
    await tell('session-usage', batchOf(worker_id, [usage(2, 9)]));
    expect(
      await backends.database.asOwner(
        `select sent::int, received::int, media_bytes::int, day::text from app.whatsapp_usage where workspace_id = $1`,
        [workspace.workspace_id],
      ),
    ).toEqual([{ sent: 6, received: 9, media_bytes: 3, day: '2026-03-02' }]);
  });
});
