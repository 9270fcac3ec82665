/*
 * How many messages a second one process of the jobs indexes and embeds, the provider answering after 100 ms: of one person who has
 * imported a history, and of many people who each said a little. CPU of this process beside it. Needs TEST_POSTGRES_URL.
 *   node apps/jobs/bench/embedding.ts
 */
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestEmbedder, makeWorker } from '../src/testing/embedding-kit.ts';

const MESSAGES = 4_000;
const ANSWER_MS = 100;
const WORDS =
  'the a violin lesson was moved to friday because our teacher has a cold and rain ruins every string of mine'.split(
    ' ',
  );

for (const people of [1, 400]) {
  await using t = await createTestDatabase();
  await seed(t, people);
  const words = await measure(t, null, 'select count(*)::int as n from app.embedding_queue where not is_indexed');
  report(people, 'indexed', words);
  await t.asOwner(
    `insert into app.embedding_queue (subject_type, subject_id, user_id, is_indexed) select 'message', id, user_id, true from app.chat_messages`,
  );
  const embedder = createTestEmbedder();
  embedder.before = () => sleep(ANSWER_MS);
  report(people, 'embedded', await measure(t, embedder, 'select count(*)::int as n from app.embedding_queue'));
}

async function seed(t: TestDatabase, people: number): Promise<void> {
  const text = (n: number) => Array.from({ length: 20 }, (_, at) => WORDS[(n * 7 + at * at) % WORDS.length]).join(' ');
  await t.asOwner(
    `with people as (
       insert into app.users (id, email) select gen_random_uuid(), gen_random_uuid() || '@example.test' from generate_series(1, $1::int) returning id
     ), homes as (
       insert into app.workspaces (id, name, owner_user_id, is_personal) select gen_random_uuid(), 'Home', id, true from people
     ), contexts as (
       insert into app.chat_contexts (id, user_id, title) select gen_random_uuid(), id, 'Context' from people
     ) select 1`,
    [people],
  );
  await t.asOwner(
    `insert into app.chat_messages (id, user_id, context_id, seq, role, content, created_at)
     select app.uuidv7(), c.user_id, c.id, m.n, case m.n % 2 when 0 then 'user' else 'assistant' end, m.content || ' ' || m.n,
       now() - interval '90 days' + m.n * interval '7 minutes'
     from (select *, row_number() over (order by id) - 1 as at from app.chat_contexts) c
     join unnest($1::text[]) with ordinality m (content, n) on (m.n - 1) % $2::int = c.at`,
    [Array.from({ length: MESSAGES }, (_, n) => text(n)), people],
  );
}

async function measure(t: TestDatabase, embedder: ReturnType<typeof createTestEmbedder> | null, left: string) {
  const { worker } = makeWorker(t.job_db, embedder);
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  worker.start();
  while ((await t.asOwner<{ n: number }>(left))[0]?.n) await sleep(20);
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await worker.stop();
  return { seconds, cpu_us: user + system };
}

function report(people: number, what: string, { seconds, cpu_us }: { seconds: number; cpu_us: number }): void {
  console.log(
    `${String(MESSAGES)} messages of ${String(people).padStart(3)} ${what.padEnd(8)} ${(MESSAGES / seconds).toFixed(0).padStart(5)}/s, ` +
      `${(cpu_us / MESSAGES).toFixed(0)} us of CPU in the worker each`,
  );
}
