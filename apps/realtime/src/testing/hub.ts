import { parseEnv } from '@potentia/config/env';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { createLogger } from '@potentia/config/logger';
import type { Backends } from '@potentia/domain/platform/testing/backends';
import { addCanvasAccess, type SeededCanvas, seedCanvas, seedUser } from '@potentia/db/testing/seed';
import type { UserCtx } from '@potentia/domain/platform/ctx';
import { newId } from '@potentia/domain/platform/uuid';
import { buildApp } from '../app.ts';
import { schema } from '../config.ts';
import { createRealtimeContext, type RealtimeContext } from '../context.ts';
import { TestClient } from './client.ts';

/** The environment of a hub on these backends. */
export function hubEnv(
  { database, redis, issuer }: Backends,
  env: Record<string, string> = {},
): Record<string, string> {
  return {
    NODE_ENV: 'test',
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    PORT: '0',
    DATABASE_URL: database.app_url,
    DATABASE_POOL_SIZE: '6',
    REDIS_URL: redis.url,
    SUPABASE_URL: issuer.url,
    CORS_ORIGINS: 'https://app.example.com',
    IP_RATE_LIMIT: '100000',
    WS_RATE_LIMITS: '[{"limit":100000,"window_ms":60000}]',
    ...env,
  };
}

/** What the API reads beside the environment of a hub. */
export const API_KEYS = {
  SUPABASE_ANON_KEY: 'anon',
  SUPABASE_SERVICE_ROLE_KEY: 'service',
  ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
  ...GATEWAY_SECRETS,
  ...NO_OBJECTS,
};

export interface TestHub extends AsyncDisposable {
  url: string;
  context: RealtimeContext;
  /** Drains as a deploy does. */
  stop(): Promise<void>;
}

/** A replica in this process, with connections of its own. */
export async function startHub(backends: Backends, env: Record<string, string> = {}): Promise<TestHub> {
  const config = parseEnv('realtime', schema, hubEnv(backends, env));
  const context = createRealtimeContext(config, createLogger({ service: 'realtime', level: config.LOG_LEVEL }));
  const app = await buildApp(context);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= app.close().then(() => context.close()));
  return { url, context, stop, [Symbol.asyncDispose]: stop };
}

export interface Person {
  user_id: string;
  token: string;
}

/** A person with a row and a valid token. */
export async function person({ database, issuer }: Backends): Promise<Person> {
  const { user_id, email, name } = await seedUser(database.db);
  return { user_id, token: await issuer.sign({ sub: user_id, email, user_metadata: { full_name: name } }) };
}

export interface TestCanvas extends SeededCanvas {
  owner: Person;
}

/** A person with a canvas of their own. */
export async function ownedCanvas(backends: Backends): Promise<TestCanvas> {
  const { database, issuer } = backends;
  const user = await seedUser(database.db);
  const canvas = await seedCanvas(database.db, {
    workspace_id: user.personal_workspace_id,
    owner_user_id: user.user_id,
  });
  const token = await issuer.sign({ sub: user.user_id, email: user.email, user_metadata: { full_name: user.name } });
  return { ...canvas, owner: { user_id: user.user_id, token } };
}

/** Somebody who is invited to a canvas. */
export async function invite(
  backends: Backends,
  canvas: SeededCanvas,
  role: 'admin' | 'editor' | 'commenter' | 'viewer' = 'editor',
): Promise<Person> {
  const guest = await person(backends);
  await addCanvasAccess(backends.database.db, canvas, role, guest);
  return guest;
}

/** Opens a canvas and waits for its snapshot. */
export async function open(hub: { url: string }, canvas: { canvas_id: string }, who: Person): Promise<TestClient> {
  const client = await TestClient.connect(`${hub.url}/ws/canvas/${canvas.canvas_id}`, who.token);
  await client.find('snapshot');
  return client;
}

/** A context to run verbs as `who`, as if through a hub. */
export const actAs = ({ context }: TestHub, { user_id }: { user_id: string }): UserCtx => ({
  db: context.db,
  bus: context.hub.bus,
  log: context.log,
  actor: { type: 'user', user_id },
  request_id: newId(),
  clock: () => new Date(),
});

export const createText = (text: string, block_id: string = newId()): object => ({
  op: 'create',
  block_id,
  type: 'text',
  content: { text },
});
