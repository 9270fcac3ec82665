import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@potentia/config/logger';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { openInbox, text } from '@potentia/db/testing/inbox';
import { freePort } from '@potentia/db/testing/redis';
import { seedWorkspace } from '@potentia/db/testing/seed';
import { seedSession, seedWorker } from '@potentia/db/testing/seed-whatsapp';
import { claimEvents, reportUsage } from '@potentia/db/wa/event-queries';
import { enqueueMessage } from '@potentia/db/wa/outbox-queries';
import { newId } from '@potentia/domain/platform/uuid';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { observeEvents } from '../src/events/event-metrics.ts';
import { EventRelay } from '../src/events/event-relay.ts';
import { createEventSender } from '../src/events/event-sender.ts';

/* What a worker writes down, told to the API as it runs: the shapes of both ends, and what becomes of it when either dies. */

const api_main = fileURLToPath(new URL('../../api/src/main.ts', import.meta.url));
const log = createLogger({ service: 'test', level: 'silent' });

let backends: Backends;
let inbox: ReturnType<typeof openInbox>;
beforeAll(async () => {
  backends = await startBackends();
  inbox = openInbox(backends.database);
});
afterAll(async () => {
  await inbox?.close();
  await backends?.[Symbol.asyncDispose]();
});

async function startApi(port: number): Promise<SpawnedService> {
  const service = await spawnService({
    main: api_main,
    env: {
      NODE_ENV: 'test',
      LOG_LEVEL: 'info',
      PORT: String(port),
      DATABASE_URL: backends.database.app_url,
      DATABASE_TIMEOUT_MS: '5000',
      REDIS_URL: backends.redis.url,
      SUPABASE_URL: backends.issuer.url,
      SUPABASE_ANON_KEY: 'anon',
      SUPABASE_SERVICE_ROLE_KEY: 'service',
      ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
      ...NO_OBJECTS,
      ...GATEWAY_SECRETS,
    },
  });
  onTestFinished(() => service[Symbol.asyncDispose]());
  return service;
}

const senderTo = (port: number) =>
  createEventSender({
    api_url: `http://127.0.0.1:${port}`,
    secrets: [GATEWAY_SECRETS.WORKER_WEBHOOK_SECRETS],
    timeout_ms: 5_000,
  });

function startRelay(port: number, worker_id: string): EventRelay {
  const relay = new EventRelay({
    db: inbox.db,
    sender: senderTo(port),
    metrics: observeEvents({ registry: new Registry(), db: inbox.db }),
    log,
    workerId: () => worker_id,
    times: { poll: 20, retry: 20, longest_away: 100, breaker_rest: 50, breaker_longest_rest: 100 },
  });
  relay.start();
  onTestFinished(() => relay.stop());
  return relay;
}

/** A session as both ends know it. */
async function openSession() {
  const { database } = backends;
  const session = await inbox.open();
  const { session_id, worker_id, generation } = session;
  const workspace = await seedWorkspace(database.db);
  const seeded = await seedWorker(database);
  await database.asOwner('update app.whatsapp_workers set id = $2 where id = $1', [seeded.worker_id, worker_id]);
  const card = await seedSession(database, workspace, { worker_id, status: 'created' });
  await database.asOwner('update app.whatsapp_sessions set id = $2, generation = $3 where id = $1', [
    card.session_id,
    session_id,
    generation,
  ]);
  const person = { lid: '100000000000001', phone: '6281200000001', name: 'Siti' };
  return {
    ...session,
    workspace,
    receive: (words: string) =>
      session.take([text({ chat: { kind: 'person', ...person }, sender: person, content: { text: words } })]),
    say: (changes: object) => database.asOwner('select wa.take_session_changes($1, $2)', [session_id, changes]),
    drained: () =>
      vi.waitFor(
        async () =>
          expect(
            await database.asOwner('select last_error from wa.events where session_id = $1', [session_id]),
          ).toEqual([]),
        { timeout: 15_000, interval: 20 },
      ),
    /** What the maker of the session is told, in order. */
    told: async (type: string) =>
      (
        await database.asOwner<{ payload: Record<string, never> & { message: { content: { text: string } } } }>(
          `select payload from app.outbox where topic = 'me.deliver' and workspace_id = $1 and payload ->> 'type' = $2
           order by available_at, id`,
          [workspace.workspace_id, type],
        )
      ).map(({ payload }) => payload),
  };
}

test('what a worker writes is what the API takes: statuses, messages and totals', async () => {
  const session = await openSession();
  const port = await freePort();
  const api = await startApi(port);
  startRelay(port, session.worker_id);
  await session.say({ status: 'pairing', qr: { serial: 1, expires_at: new Date(Date.now() + 60_000).toISOString() } });
  await session.say({ status: 'connected', phone: '6281200000009', lid: '9', profile_name: 'Toko' });
  await session.receive('halo');
  const message = { id: newId(), message_id: `3EB0${newId()}`, idempotency_key: newId(), request_hash: 'x' };
  await enqueueMessage(inbox.db, session, {
    ...message,
    to: { phone: '6281200000001' },
    content: { type: 'text', text: 'hai' },
    ...{ reply_to: null, requested_by: session.workspace.owner_user_id, request_id: 'request-of-the-send' },
    ...{ traceparent: null, queue_limit: 10 },
  });
  const statuses = [{ id: message.id, message_id: message.message_id, status: 'acked', at: new Date().toISOString() }];
  await backends.database.asOwner('select wa.take_statuses($1, $2)', [session.session_id, statuses]);
  expect(await reportUsage(inbox.db, 100)).toBe(1);
  await session.drained();
  expect(
    await backends.database.asOwner(
      `select s.status, s.phone, s.lid, s.profile_name, u.received::int from app.whatsapp_sessions s
       join app.whatsapp_usage u on u.session_id = s.id where s.id = $1`,
      [session.session_id],
    ),
  ).toEqual([{ status: 'connected', phone: '6281200000009', lid: '9', profile_name: 'Toko', received: 1 }]);
  expect((await session.told('whatsapp.session')).map(({ status }) => status)).toEqual(['pairing', 'connected']);
  expect((await session.told('whatsapp.message')).map(({ message }) => message.content.text)).toEqual(['halo']);
  const { message_id } = message;
  expect((await session.told('whatsapp.message_status')).at(-1)).toMatchObject({
    ...{ message_id, status: 'acked', request_id: 'request-of-the-send' },
    chat: { contact: { phone: '6281200000001', lid: '100000000000001' } },
  });
  expect(api.output()).not.toMatch(/halo|6281200000001/);
});

test('each message counts once and in its order, though the API is killed and started again, and a worker dies before it notes an answer', async () => {
  const session = await openSession();
  const port = await freePort();
  const words = Array.from({ length: 120 }, (_, n) => `number ${n}`);
  let api = await startApi(port);
  const relay = startRelay(port, session.worker_id);
  for (const [n, each] of words.entries()) {
    await session.receive(each);
    if (n % 40 === 20) await api.kill();
    if (n % 40 === 30) api = await startApi(port);
  }
  await session.drained();

  // Of one that died after the API had taken it, and before that was noted.
  await relay.stop();
  await session.receive('at the end');
  const [claim] = await claimEvents(inbox.db, {
    ...{ worker_id: session.worker_id, holder: randomUUID(), sessions: 1 },
    ...{ batch: 100, bytes: 1_000_000, hold_ms: 200 },
  });
  await senderTo(port).send(claim!);
  await session.receive('and after it');
  startRelay(port, session.worker_id);
  await session.drained();
  expect((await session.told('whatsapp.message')).map(({ message }) => message.content.text)).toEqual([
    ...words,
    'at the end',
    'and after it',
  ]);
});
