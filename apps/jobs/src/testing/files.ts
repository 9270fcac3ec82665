import { randomUUID } from 'node:crypto';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { parseEnv } from '@potentia/config/env';
import { createLogger } from '@potentia/config/logger';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { completeAttachment } from '@potentia/domain/canvas/complete-attachment';
import { createAttachment } from '@potentia/domain/canvas/create-attachment';
import { createCanvas } from '@potentia/domain/canvas/create-canvas';
import { mutateBlocks } from '@potentia/domain/canvas/mutate-blocks';
import type { BlockOpInput } from '@potentia/domain/canvas/schemas';
import type { UserCtx } from '@potentia/domain/platform/ctx';
import type { FilePorts, SignedUpload } from '@potentia/domain/platform/objects';
import { personCtx } from '@potentia/domain/platform/testing/person';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { schema } from '../config.ts';
import { createJobsContext, type JobCtx, type JobsContext } from '../context.ts';

/** What jobs that deal with files stand on, of a test file's own. */
export interface FilesKit extends AsyncDisposable {
  database: TestDatabase;
  redis: TestRedis;
  objects: TestObjects;
  context: JobsContext;
  /** The environment of a service on these. */
  env: Record<string, string>;
  /** As a handler gets it. */
  job_ctx: JobCtx;
  /** As a door gives it to the verbs of this person. */
  as(user_id: string): UserCtx & FilePorts;
  /** Makes a canvas; the operations' blocks are on it. */
  makeCanvas(
    user_id: string,
    input: { workspace_id: string; title: string; icon?: string },
    ops?: BlockOpInput[],
  ): Promise<string>;
  /** A file that was uploaded and confirmed. */
  attach(user_id: string, canvas_id: string, file: { name: string; media_type: string; body: Buffer }): Promise<string>;
}

export async function startFilesKit(overrides: Record<string, string> = {}): Promise<FilesKit> {
  const [database, redis, objects] = await Promise.all([
    createTestDatabase(),
    startRedis({ args: ['--appendonly', 'yes'] }),
    startObjects(),
  ]);
  const env = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    DATABASE_URL: database.job_url,
    APP_DATABASE_URL: database.app_url,
    DATABASE_TIMEOUT_MS: '10000',
    REDIS_URL: redis.url,
    REDIS_TIMEOUT_MS: '500',
    ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
    ...GATEWAY_SECRETS,
    ...objects.env,
    ...overrides,
  };
  const config = parseEnv('jobs', schema, env);
  const context = createJobsContext(config, createLogger({ service: 'jobs', level: config.LOG_LEVEL }));
  const { db, bus, log, ports } = context;
  const as: FilesKit['as'] = (user_id) => ({ ...ports, ...personCtx(database.db, user_id) });
  return {
    database,
    redis,
    objects,
    context,
    env,
    as,
    job_ctx: {
      ...ports,
      db,
      bus,
      log,
      actor: { type: 'system', reason: 'test' },
      request_id: 'test',
      clock: () => new Date(),
    },
    async makeCanvas(user_id, input, ops = []) {
      const { result } = await createCanvas(as(user_id), input);
      if (ops.length > 0) await mutateBlocks(as(user_id), { canvas_id: result.id, mutation_id: randomUUID(), ops });
      return result.id;
    },
    async attach(user_id, canvas_id, { name, media_type, body }) {
      const ctx = as(user_id);
      const { result } = await createAttachment(ctx, { canvas_id, name, media_type, size: body.length });
      await send(result.upload, body);
      await completeAttachment(ctx, { canvas_id, attachment_id: result.attachment.id });
      return result.attachment.id;
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      await objects[Symbol.asyncDispose]();
      await redis.stop();
      await database.drop();
    },
  };
}

/** Uploads as a client does. */
export async function send({ url, method, headers }: SignedUpload, body: Buffer): Promise<void> {
  const answer = await fetch(url, { method, headers, body: new Uint8Array(body) });
  if (!answer.ok) throw new Error(`no upload: ${String(answer.status)} ${await answer.text()}`);
}
