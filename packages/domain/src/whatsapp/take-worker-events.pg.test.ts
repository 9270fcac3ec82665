import { createLogger } from '@potentia/config/logger';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedSession, seedWorker } from '@potentia/db/testing/seed-whatsapp';
import { seedWorkspace } from '@potentia/db/testing/seed';
import { Webhook as Witness } from 'standardwebhooks';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { meChannel } from '../platform/bus.ts';
import { deliverMe, ME_DELIVER } from '../platform/deliver-me.ts';
import { OUTBOX_HINT_CHANNEL, type OutboxJob } from '../platform/outbox.ts';
import { createSealer } from '../platform/seal.ts';
import { personCtx, recordBus } from '../platform/testing/person.ts';
import { createHttpSender } from '../webhook/adapters/http-sender.ts';
import { createWebhook } from '../webhook/create-webhook.ts';
import { deliverWebhooks, WEBHOOK_DELIVER } from '../webhook/deliver-webhooks.ts';
import { createTargetGuard } from '../webhook/target.ts';
import { startReceiver } from '../webhook/testing/receiver.ts';
import { takeWorkerEvents, type WorkerEventsCtx } from './take-worker-events.ts';
import { batchOf, inboundEvent, messageStatusEvent, statusEvent } from './testing/worker-events.ts';
import type { WorkerEventKind } from './worker-events.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const log = createLogger({ service: 'test', level: 'silent' });
const sealer = createSealer([{ kid: 'test', key: new Uint8Array(32).fill(7) }]);
const targets = createTargetGuard({
  resolve: () => Promise.reject(new Error('no names here')),
  allow_http: true,
  allowed_networks: ['127.0.0.0/8'],
});

async function setUp() {
  const workspace = await seedWorkspace(t.db);
  const { worker_id } = await seedWorker(t);
  const session = await seedSession(t, workspace, { worker_id });
  const bus = recordBus();
  const ctx: WorkerEventsCtx = {
    ...{ db: t.db, bus, log },
    live_codes: { read: () => Promise.resolve(null) },
    session_stream: { append: () => undefined },
  };
  const owner = { ...personCtx(t.db, workspace.owner_user_id), sealer, targets };
  const tell = (kind: WorkerEventKind, data: object[], common = {}) =>
    takeWorkerEvents(ctx, { kind, ...batchOf(worker_id, data, common) });
  /** A customer's endpoint that asks for these. */
  const subscribe = async (event_types: string[]) => {
    const receiver = await startReceiver();
    onTestFinished(() => receiver[Symbol.asyncDispose]());
    const { workspace_id } = workspace;
    const { result } = await createWebhook(owner, { workspace_id, url: receiver.url, event_types });
    return {
      receiver,
      secret: result.secret,
      bodies: () => receiver.requests.map(({ body }) => JSON.parse(body) as Message),
    };
  };
  return { workspace, worker_id, session, ctx, bus, tell, subscribe };
}
interface Message {
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

/** Takes what waits for a workspace out of the outbox, as the relay does, and runs it. */
async function run(
  workspace_id: string,
  topic: string,
  handle: (job: OutboxJob<never>) => Promise<unknown>,
): Promise<void> {
  const rows = await t.asOwner<OutboxJob & { id: string; available_at: string }>(
    'with gone as (delete from app.outbox where topic = $1 and workspace_id = $2 returning *) select * from gone order by available_at, id',
    [topic, workspace_id],
  );
  for (const row of rows) await handle({ ...row, outbox_id: row.id } as never);
}

async function deliver(workspace_id: string): Promise<void> {
  const sender = createHttpSender({ guard: targets, timeout_ms: 5_000 });
  onTestFinished(() => sender.close());
  const jobs = {
    ...{ db: t.job_db, bus: recordBus(), log, request_id: 'job', clock: () => new Date(), sealer },
    webhooks: { sender, retry_delays_ms: [], observeAttempt: () => undefined, observeDisabled: () => undefined },
  };
  await run(workspace_id, WEBHOOK_DELIVER, (job) => deliverWebhooks(jobs, job));
}

test('customers get what they name, signed and with what it is about, and once however often the worker says it', async () => {
  const { workspace, worker_id, session, ctx, subscribe } = await setUp();
  const { workspace_id } = workspace;
  const [all, statuses] = [await subscribe(['whatsapp.*']), await subscribe(['whatsapp.message_status'])];
  const request_id = 'request-of-the-call';
  const said = [
    {
      kind: 'session-status' as const,
      ...batchOf(worker_id, [statusEvent(session, { status: 'disconnected', close_code: 428 })]),
    },
    { kind: 'message-inbound' as const, ...batchOf(worker_id, [inboundEvent(session, 'halo')]) },
    { kind: 'message-status' as const, ...batchOf(worker_id, [messageStatusEvent(session)], { request_id }) },
  ];
  for (const input of [...said, ...said]) await takeWorkerEvents(ctx, input);
  await deliver(workspace_id);

  const common = { workspace_id, session_id: session.session_id };
  expect(all.bodies()).toMatchObject([
    { type: 'whatsapp.session', data: { ...common, status: 'disconnected', close_code: 428, name: 'Seeded session' } },
    { type: 'whatsapp.message', data: { ...common, change: 'new', message: { content: { text: 'halo' } } } },
    { type: 'whatsapp.message_status', data: { ...common, status: 'acked', request_id } },
  ]);
  expect(all.bodies().map(({ timestamp }) => timestamp)).toEqual(Array(3).fill('2026-03-02T09:00:00.000Z'));
  expect(statuses.bodies().map(({ type }) => type)).toEqual(['whatsapp.message_status']);
  // Neither the worker nor its lease is anything to a customer.
  expect(JSON.stringify(all.bodies())).not.toMatch(/generation|worker/);
  const [{ body, headers }] = all.receiver.requests as [(typeof all.receiver.requests)[number]];
  expect(new Witness(all.secret).verify(body, headers as Record<string, string>)).toMatchObject({
    type: 'whatsapp.session',
  });
});

test('who asks for all that is audited, for something else or for nothing any more gets none of it', async () => {
  const { workspace, session, tell, subscribe } = await setUp();
  const other = await setUp();
  const [everything, members, disabled, foreign] = [
    await subscribe([]),
    await subscribe(['member.*']),
    await subscribe(['whatsapp.message']),
    await other.subscribe(['whatsapp.*']),
  ];
  await t.asOwner(
    `update app.webhooks set status = 'disabled', disabled_reason = 'manual', disabled_at = now()
     where workspace_id = $1 and event_types = '{whatsapp.message}'`,
    [workspace.workspace_id],
  );
  await tell('message-inbound', [inboundEvent(session, 'private')]);
  const rows = 'select 1 from app.webhook_deliveries where event_type like $1 and workspace_id = any ($2)';
  expect(await t.asOwner(rows, ['whatsapp.%', [workspace.workspace_id, other.workspace.workspace_id]])).toEqual([]);
  for (const { workspace_id } of [workspace, other.workspace]) await deliver(workspace_id);
  for (const { bodies } of [everything, members, disabled, foreign])
    expect(JSON.stringify(bodies())).not.toContain('private');
});

test('a burst reaches a customer in its order', async () => {
  const { workspace, session, tell, subscribe } = await setUp();
  const { bodies } = await subscribe(['whatsapp.message']);
  const texts = Array.from({ length: 40 }, (_, n) => `number ${n}`);
  await tell(
    'message-inbound',
    texts.map((text) => inboundEvent(session, text)),
  );
  const rows = await t.asOwner<{ payload: { data: { message: { content: { text: string } } } } }>(
    `select payload from app.webhook_deliveries where workspace_id = $1 and event_type = 'whatsapp.message' order by next_attempt_at, id`,
    [workspace.workspace_id],
  );
  expect(rows.map(({ payload }) => payload.data.message.content.text)).toEqual(texts);
  await deliver(workspace.workspace_id);
  await vi.waitFor(() => expect(bodies()).toHaveLength(40));
});

test('people are told over /ws/me, in the order in which it happened, and whoever relays that is woken', async () => {
  const { workspace, session, bus, tell } = await setUp();
  await tell('session-status', [statusEvent(session, { status: 'pairing' }), statusEvent(session)]);
  await tell('message-inbound', [inboundEvent(session, 'one'), inboundEvent(session, 'two')]);
  expect(bus.published.map(({ channel }) => channel)).toEqual([OUTBOX_HINT_CHANNEL, OUTBOX_HINT_CHANNEL]);
  const told = recordBus();
  await run(workspace.workspace_id, ME_DELIVER, (job) => deliverMe({ db: t.job_db, bus: told }, job));
  expect(told.published.every(({ channel }) => channel === meChannel(workspace.owner_user_id))).toBe(true);
  const frames = told.published.map(({ message }) => JSON.parse(message.frame) as Record<string, unknown>);
  expect(frames).toMatchObject([
    { type: 'event', event: 'whatsapp.session', payload: { status: 'pairing', session_id: session.session_id } },
    { event: 'whatsapp.session', payload: { status: 'connected' } },
    { event: 'whatsapp.message', payload: { message: { content: { text: 'one' } } } },
    { event: 'whatsapp.message', payload: { message: { content: { text: 'two' } } } },
  ]);
});
