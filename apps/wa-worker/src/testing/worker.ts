import { randomBytes, randomUUID } from 'node:crypto';
import { createLogger } from '@potentia/config/logger';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { signServiceToken, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { startWhatsApp, type TestWhatsApp } from '@potentia/sandbox/testing/whatsapp';
import { vi } from 'vitest';
import { createPieces, startWaWorker, type WaWorkerApp, type WaWorkerPieces } from '../app.ts';
import { schema } from '../config.ts';
import { createWaWorkerContext, type WaWorkerContext } from '../context.ts';
import type { HeldSession } from '../session/parts.ts';
import type { Timings } from '../session/timings.ts';
import { startApi, type TestApi } from './api.ts';

/** What workers stand on, of a test file's own. */
export interface WorkerWorld extends AsyncDisposable {
  database: TestDatabase;
  redis: TestRedis;
  whatsapp: TestWhatsApp;
  api: TestApi;
  objects: TestObjects;
  /** Of a worker's process. */
  env: Record<string, string>;
  /** What the tables of the worker say of a session, past every policy. */
  row(session_id: string): Promise<SessionRow | undefined>;
  /** What the API will be told of a session, oldest first. */
  events(session_id: string): Promise<StatusPayload[]>;
}

export interface SessionRow {
  status: string;
  status_reason: string | null;
  close_code: number | null;
  phone: string | null;
  lid: string | null;
  linked_at: string | null;
  worker_id: string | null;
  generation: number;
  lease_until: Date | null;
  creds: Buffer | null;
}

export interface StatusPayload {
  generation: number;
  status: string;
  reason: string | null;
  close_code: number | null;
  phone: string | null;
  qr: { serial: number; expires_at: string } | null;
}

const SECRETS = [GATEWAY_SECRETS.SERVICE_JWT_SECRETS] as const;

export async function startWorkerWorld(): Promise<WorkerWorld> {
  const [database, redis, whatsapp, api, objects] = await Promise.all([
    createTestDatabase(),
    startRedis(),
    startWhatsApp(),
    startApi(SECRETS),
    startObjects(),
  ]);
  // What the preload does in a process of its own.
  whatsapp.trust();
  return {
    ...{ database, redis, whatsapp, api, objects },
    env: {
      NODE_ENV: 'test',
      PORT: '0',
      DATABASE_URL: database.wa_url,
      DATABASE_TIMEOUT_MS: '5000',
      REDIS_URL: redis.url,
      REDIS_TIMEOUT_MS: '1000',
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ...objects.env,
      ...GATEWAY_SECRETS,
      API_URL: api.url,
      WHATSAPP_WEB_SOCKET_URL: whatsapp.url,
    },
    async row(session_id) {
      const text = 'select s.*, s.generation::int from wa.sessions s where s.session_id = $1';
      return (await database.asOwner<SessionRow>(text, [session_id]))[0];
    },
    async events(session_id) {
      const text = `select payload from wa.events where session_id = $1 and kind = 'session-status' order by seq`;
      return (await database.asOwner<{ payload: StatusPayload }>(text, [session_id])).map(({ payload }) => payload);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([whatsapp.close(), redis.stop(), api[Symbol.asyncDispose](), objects[Symbol.asyncDispose]()]);
      await database.drop();
    },
  };
}

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
}

/** A session as a test commands it. */
export interface Command {
  method: string;
  session_id: string;
  generation: number;
  /** Below `/sessions/{session_id}`. */
  path?: string;
  body?: object;
  /** In place of one that is good. */
  token?: string;
  /** Beside those that each command has. */
  headers?: Record<string, string>;
}

/** Sends a command to the worker at `url`, as the API does. */
export async function command<T = Record<string, unknown>>(
  url: string,
  { method, session_id, generation, path = '', body, token, headers }: Command,
): Promise<Answer<T>> {
  const good = await signServiceToken(SECRETS, {
    issuer: 'api',
    audience: WORKER_AUDIENCE,
    session: { session_id, generation },
  });
  const response = await fetch(`${url}/sessions/${session_id}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token ?? good}`,
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as T };
}

/** A worker in this process. */
export interface TestWorker extends AsyncDisposable {
  app: WaWorkerApp;
  url: string;
  context: WaWorkerContext;
  /** What it has written. */
  output(): string;
  worker_id(): Promise<string>;
  send<T = Record<string, unknown>>(what: Command): Promise<Answer<T>>;
  held(session_id: string): HeldSession | undefined;
  stop(): Promise<void>;
}

/** Fast enough for tests; what a test is about it sets itself. */
const TEST_TIMINGS: Partial<Timings> = { backoff_ms: 40, renew_ms: 200, settle_ms: 500, catch_up_ms: 1_000 };

export async function startWorker(
  world: WorkerWorld,
  options: {
    env?: Record<string, string>;
    timings?: Partial<Timings>;
    pieces?: (context: WaWorkerContext) => WaWorkerPieces;
  } = {},
): Promise<TestWorker> {
  let output = '';
  const log = createLogger(
    { service: 'wa-worker', level: 'trace' },
    {
      write(line: string) {
        output += line;
      },
    },
  );
  const env = { WORKER_NAME: randomUUID(), ...world.env, ...options.env };
  const context = createWaWorkerContext(schema.parse(env), log, { ...TEST_TIMINGS, ...options.timings });
  const app = await startWaWorker(context, (options.pieces ?? createPieces)(context));
  let is_stopped = false;
  const stop = async (): Promise<void> => {
    if (is_stopped) return;
    is_stopped = true;
    await app.stop();
    await context.close();
  };
  const worker_id = () =>
    vi.waitFor(() => {
      const found = world.api.registered.find(({ name }) => name === env.WORKER_NAME);
      if (!found) throw new Error('not registered yet');
      return found.worker_id;
    });
  await worker_id();
  return {
    ...{ app, context, worker_id, stop },
    url: app.url,
    output: () => output,
    send: (what) => command(app.url, what),
    held: (session_id) => app.sessions.get(session_id),
    [Symbol.asyncDispose]: stop,
  };
}

/** Waits for what the worker says of a session. */
export const untilStatus = (world: WorkerWorld, session_id: string, status: string, reason?: string | null) =>
  vi.waitFor(
    async () => {
      const row = await world.row(session_id);
      if (row?.status !== status || (reason !== undefined && row.status_reason !== reason))
        throw new Error(`it is ${row?.status}, ${row?.status_reason}`);
      return row;
    },
    { timeout: 15_000, interval: 20 },
  );

/** Waits for a login on another socket than this one. */
export const untilReconnected = (worker: TestWorker, session_id: string, before: HeldSession['sock']) =>
  vi.waitFor(
    () => {
      const held = worker.held(session_id);
      if (!held?.sock || held.sock === before || held.status !== 'connected') throw new Error(`it is ${held?.status}`);
      return held;
    },
    { timeout: 10_000, interval: 20 },
  );

/** The code of a session that is being linked, from where the API reads it. */
export const readCode = (worker: TestWorker, kind: 'qr' | 'pairing', session_id: string) =>
  vi.waitFor(
    async () => {
      const code = await worker.context.live_codes.read(kind, session_id);
      if (!code) throw new Error('there is no code');
      return code;
    },
    { timeout: 10_000, interval: 20 },
  );

/** A session that is linked to a phone of its own, and logged in. */
export async function linkSession(
  world: WorkerWorld,
  worker: TestWorker,
  { session_id = randomUUID(), generation = 1 } = {},
) {
  const phone = world.whatsapp.addPhone();
  const body = { settings: {}, login: { by: 'qr' } };
  const answer = await worker.send({ method: 'PUT', session_id, generation, body });
  if (answer.status !== 200) throw new Error(`the worker answered ${answer.status} ${JSON.stringify(answer.body)}`);
  await phone.scan((await readCode(worker, 'qr', session_id)).text);
  await untilStatus(world, session_id, 'connected');
  return { session_id, generation, phone };
}
