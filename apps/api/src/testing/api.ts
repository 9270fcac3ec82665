import { randomUUID } from 'node:crypto';
import { parseEnv } from '@potentia/config/env';
import { createLogger } from '@potentia/config/logger';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { API_AUDIENCE, type NewServiceToken, signServiceToken } from '@potentia/domain/platform/service-token';
import type { Backends } from '@potentia/domain/platform/testing/backends';
import type { TestIssuer } from '@potentia/domain/auth/testing/issuer';
import type { InjectOptions } from 'fastify';
import type { JWTPayload } from 'jose';
import { buildApp } from '../app.ts';
import { schema } from '../config.ts';
import { type ApiContext, createApiContext } from '../context.ts';
import type { App } from '../platform/openapi.ts';

export interface Person {
  user_id: string;
  email: string;
  token: string;
}

/** Somebody with a valid token; their row comes with their first request. */
export async function person(issuer: TestIssuer, claims: JWTPayload = {}): Promise<Person> {
  const user_id = randomUUID();
  const email = `${user_id}@example.com`;
  return { user_id, email, token: await issuer.sign({ sub: user_id, email, ...claims }) };
}

/** A service of ours, with a token for one of the next requests. */
export async function asService(
  token: Partial<NewServiceToken> = {},
  secret = GATEWAY_SECRETS.SERVICE_JWT_SECRETS,
): Promise<Person> {
  const signed = await signServiceToken([secret], { issuer: 'whatsapp-worker', audience: API_AUDIENCE, ...token });
  return { user_id: '', email: '', token: signed };
}

/** One answer, its JSON body parsed. */
export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  // The tests' expectations say what it is.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface TestApi extends AsyncDisposable {
  app: App;
  context: ApiContext;
  /** Sends one request, as `who` if anybody. An object is sent as JSON. */
  call(
    who: Person | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** A canvas of this person's, with the id it got. */
  makeCanvas(owner: Person, body?: object): Promise<string>;
  /** Blocks at the end of a canvas, by their texts; their ids. */
  addBlocks(owner: Person, canvas_id: string, texts: string[]): Promise<string[]>;
}

/** A replica on these backends; `env` overrides its configuration. */
export async function startApi(backends: Backends, env: Record<string, string> = {}): Promise<TestApi> {
  const config = parseEnv('api', schema, {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    DATABASE_URL: backends.database.app_url,
    DATABASE_POOL_SIZE: '4',
    REDIS_URL: backends.redis.url,
    // The tests share one machine: late is not away.
    REDIS_TIMEOUT_MS: '500',
    DATABASE_TIMEOUT_MS: '10000',
    SUPABASE_URL: backends.issuer.url,
    SUPABASE_ANON_KEY: 'anon',
    SUPABASE_SERVICE_ROLE_KEY: 'service',
    ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    ...GATEWAY_SECRETS,
    ...NO_OBJECTS,
    IP_RATE_LIMIT: '100000',
    // A test that asks without following gets an answer that ends.
    WHATSAPP_STREAM_MS: '300',
    RATE_LIMITS: '[{"limit":100000,"window_ms":60000}]',
    ...env,
  });
  const context = createApiContext(config, createLogger({ service: 'api', level: config.LOG_LEVEL }));
  const app = await buildApp(context);

  const call: TestApi['call'] = async (who, method, path, body, headers = {}) => {
    const answer = await app.inject({
      method: method as InjectOptions['method'],
      url: path,
      payload: body as InjectOptions['payload'],
      headers: { ...(who ? { authorization: `Bearer ${who.token}` } : {}), ...headers },
    });
    const json = /[/+]json\b/.test(String(answer.headers['content-type']));
    return {
      status: answer.statusCode,
      headers: answer.headers as Record<string, string | undefined>,
      text: answer.body,
      body: json && answer.body ? answer.json() : answer.body,
    };
  };

  return {
    app,
    context,
    call,
    async makeCanvas(owner, body = {}) {
      const answer = await call(owner, 'POST', '/api/v1/canvases', body);
      if (answer.status !== 201) throw new Error(`no canvas: ${answer.text}`);
      return answer.body.id;
    },
    async addBlocks(owner, canvas_id, texts) {
      const ops = texts.map((text) => ({ op: 'create', type: 'text', content: { text } }));
      const body = { mutation_id: randomUUID(), ops };
      const answer = await call(owner, 'POST', `/api/v1/canvases/${canvas_id}/mutate`, body);
      if (answer.status !== 200) throw new Error(`no blocks: ${answer.text}`);
      return (answer.body.ops as { block: { id: string } }[]).map((op) => op.block.id);
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await context.close();
    },
  };
}
