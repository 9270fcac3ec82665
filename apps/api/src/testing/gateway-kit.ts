import { randomUUID } from 'node:crypto';
import { createLogger } from '@potentia/config/logger';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { createRedis } from '@potentia/domain/platform/adapters/redis';
import type { OutboxJob } from '@potentia/domain/platform/outbox';
import type { Backends } from '@potentia/domain/platform/testing/backends';
import { createHttpWorkerClient } from '@potentia/domain/whatsapp/adapters/http-worker-client';
import { createRedisSessionRoutes } from '@potentia/domain/whatsapp/adapters/redis-session-routes';
import { commandSession, commandSessionPayload } from '@potentia/domain/whatsapp/command-session';
import { placeSession, placeSessionPayload } from '@potentia/domain/whatsapp/place-session';
import type { PlaceCtx } from '@potentia/domain/whatsapp/placement-ctx';
import { rebalanceGateway, sweepGateway } from '@potentia/domain/whatsapp/sweep-gateway';
import { type FakeWorker, LeaseBook, startFakeWorker } from '@potentia/domain/whatsapp/testing/fake-worker';
import type { WhatsappSession } from '@potentia/domain/whatsapp/session-schemas';
import { Registry } from 'prom-client';
import { asService, type Person, type TestApi } from './api.ts';
import { mustBe } from './world.ts';

/** The API, jobs that run when a test says so, and workers that keep their leases in one book. */
export interface Gateway extends AsyncDisposable {
  book: LeaseBook;
  job_ctx: PlaceCtx & { outcomes: string[]; takeovers: number };
  /** A worker that has registered. */
  addWorker(more?: { name?: string; capacity?: number }): Promise<FakeWorker>;
  register(worker: FakeWorker, more?: { name?: string; capacity?: number }): Promise<void>;
  /** Says that it lives, and what it holds. */
  beat(worker: FakeWorker, more?: object): Promise<{ status: number; body: { lost: string[]; code?: string } }>;
  /** As if the last beat of these had been long ago. */
  silence(...workers: FakeWorker[]): Promise<void>;
  /** Carries out what the outbox holds, until there is nothing more; one after the other, or as many at once as there are. */
  work(options?: { at_once?: boolean }): Promise<void>;
  sweep(): Promise<void>;
  rebalance(): Promise<void>;
  /** The card of a new session. */
  makeSession(owner: Person, body?: object): Promise<WhatsappSession>;
  connected(owner: Person, body?: object): Promise<WhatsappSession>;
  /** So many of them. */
  several(owner: Person, count: number): Promise<string[]>;
  card(owner: Person, session_id: string): Promise<WhatsappSession>;
  /** What is to be done with a session, as its owner asks for it. */
  ask(owner: Person, session_id: string, below: string, body?: object): Promise<Record<string, unknown>>;
  statusOf(worker: FakeWorker): Promise<string | undefined>;
}

const TOPICS = ['whatsapp.place', 'whatsapp.command'];
const SESSIONS = '/api/v1/whatsapp/sessions';

/** A gateway sees every worker and session there is, so each test begins with none. */
export async function emptyGateway({ database }: Backends): Promise<void> {
  for (const table of ['whatsapp_sessions', 'whatsapp_workers', 'outbox'])
    await database.asOwner(`delete from app.${table}`);
}

/** What a worker was commanded, in order; of one session, or of all. */
export const commandsOf = ({ commands }: FakeWorker, session_id?: string): string[] =>
  commands.filter((given) => session_id === undefined || given.session_id === session_id).map(({ command }) => command);

export function startGateway(api: TestApi, backends: Backends): Gateway {
  const { database } = backends;
  const secrets = [GATEWAY_SECRETS.SERVICE_JWT_SECRETS] as const;
  const log = createLogger({ service: 'test', level: 'silent' });
  const redis = createRedis({ url: backends.redis.url, timeout_ms: 500, role: 'command', log });
  const client = createHttpWorkerClient({ secrets, issuer: 'jobs', registry: new Registry() });
  const book = new LeaseBook();
  const workers: FakeWorker[] = [];
  const job_ctx: Gateway['job_ctx'] = {
    db: database.job_db,
    log,
    request_id: 'job',
    worker: client,
    routes: createRedisSessionRoutes({ redis, timeout_ms: 500 }),
    outcomes: [],
    takeovers: 0,
    placements: {
      observePlacement: (outcome) => void job_ctx.outcomes.push(outcome),
      observeTakeovers: (sessions) => void (job_ctx.takeovers += sessions),
    },
  };
  const sweep_ctx = { ...job_ctx, bus: { publish: () => undefined } };

  const runJob = async (row: OutboxJob & { topic: string; id: string }): Promise<void> => {
    const job = { ...row, outbox_id: row.id };
    if (row.topic === 'whatsapp.place')
      await placeSession(job_ctx, { ...job, payload: placeSessionPayload.parse(row.payload) });
    else await commandSession(job_ctx, { ...job, payload: commandSessionPayload.parse(row.payload) });
  };

  const gateway: Gateway = {
    book,
    job_ctx,
    async addWorker(more) {
      const worker = await startFakeWorker(secrets, book);
      workers.push(worker);
      await gateway.register(worker, more);
      return worker;
    },
    async register(worker, { name = `worker-${randomUUID()}`, capacity = 100 } = {}) {
      const body = { name, url: worker.url, version: '1', capacity };
      const answer = await api.call(await asService(), 'POST', '/api/admin/workers/register', body);
      worker.worker_id = mustBe(200, answer).worker_id;
    },
    async beat(worker, more = {}) {
      const held = [...worker.held].map(([session_id, lease]) => ({ session_id, ...lease }));
      const body = { sessions: held.length, load: { cpu: 0.1 }, status: 'alive', held, ...more };
      const answer = await api.call(await asService(), 'PUT', `/api/admin/workers/${worker.worker_id}/heartbeat`, body);
      for (const session_id of (answer.body as { lost?: string[] }).lost ?? []) worker.held.delete(session_id);
      return answer;
    },
    async silence(...silent) {
      await database.asOwner(
        `update app.whatsapp_workers set heartbeat_at = now() - interval '1 hour' where id = any ($1)`,
        [silent.map(({ worker_id }) => worker_id)],
      );
    },
    async work({ at_once = false } = {}) {
      for (;;) {
        const rows = await database.asOwner<OutboxJob & { topic: string; id: string }>(
          `delete from app.outbox where topic = any ($1) and available_at <= now() returning *`,
          [TOPICS],
        );
        if (rows.length === 0) return;
        if (at_once) await Promise.all(rows.map(runJob));
        else for (const row of rows) await runJob(row);
      }
    },
    sweep: () => sweepGateway(sweep_ctx),
    rebalance: () => rebalanceGateway(sweep_ctx),
    async makeSession(owner, body = {}) {
      return mustBe(201, await api.call(owner, 'POST', SESSIONS, { name: 'Toko', ...body }));
    },
    async connected(owner, body) {
      const { id } = await gateway.makeSession(owner, body);
      mustBe(202, await api.call(owner, 'POST', `${SESSIONS}/${id}/connect`, {}));
      await gateway.work();
      return gateway.card(owner, id);
    },
    async several(owner, count) {
      const ids: string[] = [];
      for (let n = 0; n < count; n++) ids.push((await gateway.connected(owner)).id);
      return ids;
    },
    async ask(owner, session_id, below, body) {
      return mustBe(202, await api.call(owner, 'POST', `${SESSIONS}/${session_id}${below}`, body));
    },
    async statusOf({ worker_id }) {
      const { items } = mustBe(200, await api.call(await asService(), 'GET', '/api/admin/workers'));
      return (items as { id: string; status: string }[]).find(({ id }) => id === worker_id)?.status;
    },
    async card(owner, session_id) {
      return mustBe(200, await api.call(owner, 'GET', `${SESSIONS}/${session_id}`));
    },
    async [Symbol.asyncDispose]() {
      client.close();
      redis.disconnect();
      await Promise.all(workers.map((worker) => worker.kill()));
    },
  };
  return gateway;
}
