import { randomUUID } from 'node:crypto';
import { assessRun } from '@potentia/domain/agent/assess-run';
import { embedBatch } from '@potentia/domain/chat/embed-batch';
import { indexBatch } from '@potentia/domain/chat/index-batch';
import { stem } from '@potentia/domain/chat/rules/stem';
import type { RedisClient } from '@potentia/domain/platform/adapters/redis';
import { deliverMe, type deliverMePayload } from '@potentia/domain/platform/deliver-me';
import type { Backends } from '@potentia/domain/platform/testing/backends';
import { personCtx } from '@potentia/domain/platform/testing/person';
import type { z } from 'zod';
import type { Person, TestApi } from './api.ts';

/** A word that nobody else uses. */
export const newWord = (): string => `zq${randomUUID().replaceAll(/[^a-z]/g, '')}vx`;

/** Calls a path of `/api/v1` as somebody, and throws unless it answers 2xx; the body. */
export const caller =
  (api: TestApi) =>
  async (who: Person, method: string, path: string, body?: object, headers = {}) => {
    const answer = await api.call(who, method, `/api/v1${path}`, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  };

/** What index and embedding jobs work with. */
export function jobCtxOf(backends: Backends, api: TestApi) {
  const { log, model, usage_limits } = api.context;
  const embeddings = { observeDone: () => undefined, countWaiting: () => undefined, countGivenUp: () => undefined };
  return { db: backends.database.job_db, log, clock: () => new Date(), model, usage_limits, embeddings };
}

/** What the jobs would do by now: assess, deliver (some of it), index, embed. */
export async function runJobs(backends: Backends, api: TestApi, who: Person): Promise<void> {
  const { database } = backends;
  const runs = await database.asOwner<{ id: string; run_id: string }>(
    `select id, payload ->> 'run_id' as run_id from app.outbox where topic = 'agent.assess' and user_id = $1 order by id`,
    [who.user_id],
  );
  for (const { id, run_id } of runs) {
    const { model, usage_limits } = api.context;
    const ctx = { ...personCtx(database.db, who.user_id), model, usage_limits };
    await assessRun(ctx, { run_id, asked_at: new Date().toISOString() });
    await database.asOwner('delete from app.outbox where id = $1', [id]);
  }
  const told = await database.asOwner<{ id: string; payload: z.infer<typeof deliverMePayload> }>(
    `select id, payload from app.outbox where topic = 'me.deliver' and user_id = $1 limit 3`,
    [who.user_id],
  );
  for (const { id, payload } of told) {
    const job = {
      outbox_id: id,
      payload,
      workspace_id: null,
      user_id: who.user_id,
      traceparent: null,
      request_id: null,
    };
    await deliverMe({ db: database.job_db, bus: api.context.bus }, { ...job, created_at: '' });
    await database.asOwner('delete from app.outbox where id = $1', [id]);
  }
  const ctx = jobCtxOf(backends, api);
  while ((await indexBatch(ctx)) > 0);
  await embedBatch(ctx, AbortSignal.timeout(5_000));
}

/** Tables in whose rows the word, or the number of its term in this person's index, stands. */
export async function tablesWith({ database }: Backends, word: string, who: Person): Promise<string[]> {
  const tables = await database.asOwner<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'app'::regnamespace and relkind = 'r' order by 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const hit = await database.asOwner(`select 1 from app.${name} t where t::text ilike $1 limit 1`, [`%${word}%`]);
    if (hit.length > 0) found.push(name);
  }
  const terms = await database.asOwner<{ name: string }>(
    `with w as (select app.term_id($1, s) as term from unnest($2::text[]) s)
     select 'message_terms' as name from app.message_terms t, w where t.terms @> array[w.term]
     union select 'lexicon_terms' from app.lexicon_terms t, w where t.owner_id = $1 and t.term = w.term
     union select 'user_semantic_memories' from app.user_semantic_memories t, w where t.terms @> array[w.term]`,
    [who.user_id, [...new Set([word, stem(word, 'en'), stem(word, 'id')])]],
  );
  return [...new Set([...found, ...terms.map(({ name }) => name)])].sort();
}

/** Keys of Redis in whose values it stands. */
export async function keysWith(redis: RedisClient, word: string): Promise<string[]> {
  const found: string[] = [];
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    const value =
      type === 'stream'
        ? await redis.xrange(key, '-', '+')
        : type === 'string'
          ? await redis.get(key)
          : type === 'hash'
            ? await redis.hgetall(key)
            : type;
    if (JSON.stringify(value).includes(word)) found.push(key);
  }
  return found;
}
