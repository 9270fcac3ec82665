import {
  finishIndexing,
  postponePayer,
  postponeSubjects,
  type QueuedSubject,
  readSubjectTexts,
  storeVectors,
  type SubjectText,
  takeSubjects,
} from '@potentia/db/chat/embedding-queries';
import type { Embedder } from '../agent/model.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { AppError } from '../platform/errors.ts';
import { embedTexts, type EmbeddedTexts, type TextOutcome } from './embed-texts.ts';
import { type EmbeddingCtx, MAX_ATTEMPTS, nextAttempt } from './embedding-ctx.ts';
import { type PaidText, reserveEmbeddings, settleEmbeddings, type Share } from './pay-embeddings.ts';

/** Subjects of one batch: what a provider takes at once. */
export const EMBED_BATCH = 100;
/** Milliseconds after which another worker takes over what one has taken and not finished; longer than a batch may last. */
const LEASE_MS = 45_000;
/** Vectors of one transaction: each costs milliseconds, and a message that is being deleted waits for it. */
const STORE = 25;
/** Of a quota that resets later than this it is looked at before: it may be raised. */
const MAX_QUOTA_WAIT_MS = 6 * 3_600_000;
/** Rows of a payer that are put off at once. */
const QUOTA_ROWS = 5_000;
/** What waits because the provider is away is not put off for longer: the worker does not take it until the provider is back. */
const MAX_AWAY_MS = 30_000;

export interface EmbeddedBatch {
  taken: number;
  embedded: number;
  /** Why the provider is away, when it is. What was taken waits. */
  away: AppError | null;
}

type Asked = PaidText & { subject: QueuedSubject };

/**
 * Embeds the next messages, memories and blocks, of whoever they are, with one call. Its result counts for what did not change
 * meanwhile. Whoever has no quota left waits until there is some, all wait when the provider is away, and what it refuses is given up
 * after some attempts. Where there is no provider nothing waits for one. Throws an AppError of kind `unavailable` when Postgres is away.
 */
export async function embedBatch(ctx: EmbeddingCtx, signal: AbortSignal): Promise<EmbeddedBatch> {
  const { embedder } = ctx.model;
  const subjects = await fromDb(() =>
    takeSubjects(ctx.db, { is_indexed: true, limit: EMBED_BATCH, lease_ms: LEASE_MS }),
  );
  const taken = subjects.length;
  if (taken === 0) return { taken, embedded: 0, away: null };
  if (!embedder) {
    await fromDb(() => finishIndexing(ctx.db, subjects, false));
    return { taken, embedded: 0, away: null };
  }
  const { asked, empty } = await readTexts(ctx, subjects);
  await store(ctx, embedder, empty, []);
  const shares = asked.length === 0 ? [] : await turnAway(ctx, await reserveEmbeddings(ctx, asked));
  const texts = shares.flatMap((share) => share.texts);
  if (texts.length === 0) return { taken, embedded: 0, away: null };
  const began = performance.now();
  const done = await embedTexts(embedder, texts, signal);
  return { taken, ...(await finish(ctx, embedder, { shares, done, latency_ms: performance.now() - began })) };
}

const keyOf = ({
  subject_type,
  subject_id,
  canvas_id,
}: Pick<SubjectText, 'subject_type' | 'subject_id' | 'canvas_id'>) => [subject_type, subject_id, canvas_id].join();

/** What is to be asked; and what has no words (any more), or nobody to pay. */
async function readTexts(
  ctx: EmbeddingCtx,
  subjects: QueuedSubject[],
): Promise<{ asked: Asked[]; empty: QueuedSubject[] }> {
  const rows = new Map((await fromDb(() => readSubjectTexts(ctx.db, subjects))).map((row) => [keyOf(row), row]));
  const asked: Asked[] = [];
  const empty: QueuedSubject[] = [];
  for (const subject of subjects) {
    const { text, payer_id, user_id } = rows.get(keyOf(subject)) ?? { text: null, payer_id: null, user_id: null };
    if (text === null || payer_id === null || user_id === null) empty.push(subject);
    else asked.push({ subject, text, payer_id, user_id, tokens: ctx.model.estimateTokens(text) });
  }
  return { asked, empty };
}

/** Lets what those pay for wait who have no quota left; the others. */
async function turnAway(ctx: EmbeddingCtx, shares: Share<Asked>[]): Promise<Share<Asked>[]> {
  const now = ctx.clock().getTime();
  for (const { grant, payer_id } of shares) {
    if (grant.granted) continue;
    const wait_ms = Math.min(grant.reset_at === null ? 60_000 : Date.parse(grant.reset_at) - now, MAX_QUOTA_WAIT_MS);
    const until = new Date(now + wait_ms);
    const count = await fromDb(() =>
      postponePayer(ctx.db, { payer_id, until, error: 'usage.quota_exceeded', limit: QUOTA_ROWS }),
    );
    ctx.embeddings.countWaiting('usage.quota_exceeded', count);
    ctx.log.info({ workspace_id: payer_id, until, count }, 'vectors wait for a quota');
  }
  return shares.filter(({ grant }) => grant.granted);
}

interface Asking {
  shares: Share<Asked>[];
  done: EmbeddedTexts<Asked>;
  latency_ms: number;
}

/** Writes what came of the call. What it took is settled first: it is owed, whatever becomes of the vectors. */
async function finish(
  ctx: EmbeddingCtx,
  embedder: Embedder,
  { shares, done: { outcomes, calls }, latency_ms }: Asking,
): Promise<Omit<EmbeddedBatch, 'taken'>> {
  const codeOf = (share: Share<Asked>): string | null => {
    const own = share.texts.flatMap((text) => outcomes.get(text) ?? []);
    return own.some((outcome) => 'vector' in outcome) ? null : (own.map(errorOf)[0]?.code ?? null);
  };
  await settleEmbeddings(ctx, { shares, calls, latency_ms, codeOf });
  const embedded: { subject: QueuedSubject; vector: number[] }[] = [];
  const waiting: QueuedSubject[] = [];
  let away: AppError | null = null;
  for (const [{ subject }, outcome] of outcomes) {
    if ('vector' in outcome) embedded.push({ subject, vector: outcome.vector });
    else if ('refused' in outcome) await giveBack(ctx, subject, outcome.refused);
    else {
      away = outcome.waiting;
      waiting.push(subject);
    }
  }
  if (away) await letWait(ctx, waiting, away);
  return { embedded: await store(ctx, embedder, [], embedded), away };
}

const errorOf = (outcome: TextOutcome): AppError | null =>
  'refused' in outcome ? outcome.refused : 'waiting' in outcome ? outcome.waiting : null;

/** Back to where they were: whoever finds the provider again takes them. */
async function letWait(ctx: EmbeddingCtx, subjects: QueuedSubject[], { code, meta }: AppError): Promise<void> {
  const wait_ms =
    code === 'model.cancelled' ? 0 : Math.min(meta.retry_after_ms ?? 1_000, MAX_AWAY_MS) * (1 + Math.random());
  const until = new Date(ctx.clock().getTime() + wait_ms);
  await fromDb(() =>
    postponeSubjects(ctx.db, subjects, { until, error: code, burns: false, max_attempts: MAX_ATTEMPTS }),
  );
  ctx.embeddings.countWaiting(code, subjects.length);
}

async function giveBack(ctx: EmbeddingCtx, subject: QueuedSubject, { code }: AppError): Promise<void> {
  const { subject_type, subject_id, attempts } = subject;
  ctx.log.warn({ subject_type, subject_id, attempts, code }, 'the provider of vectors refuses something');
  const until = nextAttempt(ctx.clock(), attempts);
  const options = { until, error: code, burns: true, max_attempts: MAX_ATTEMPTS };
  ctx.embeddings.countGivenUp('vector', await fromDb(() => postponeSubjects(ctx.db, [subject], options)));
}

/** `empty` shall have no vectors. How many got theirs and were still as they were read. */
async function store(
  ctx: EmbeddingCtx,
  { model, dimensions }: Embedder,
  empty: QueuedSubject[],
  embedded: { subject: QueuedSubject; vector: number[] }[],
): Promise<number> {
  const rows = [...empty.map((subject) => ({ subject, vector: null })), ...embedded];
  let done = 0;
  for (let n = 0; n < rows.length; n += STORE) {
    done += await fromDb(() => storeVectors(ctx.db, { model, dimensions, rows: rows.slice(n, n + STORE) }));
  }
  const now = ctx.clock().getTime();
  ctx.embeddings.observeDone(
    'vector',
    embedded.map(({ subject }) => now - Date.parse(subject.created_at)),
  );
  return Math.max(done - empty.length, 0);
}
