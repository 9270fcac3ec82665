import { createHash } from 'node:crypto';
import { asSystem, type Tx } from '@potentia/db/context';
import { applyUsage } from '@potentia/db/agent/ledger-queries';
import { beginStep, type BeginOp, type Grant, type SettleOp, settleStep } from '../agent/ledger.ts';
import type { ModelReport, ModelUsage } from '../agent/model.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { TextCall } from './embed-texts.ts';
import type { EmbeddingCtx } from './embedding-ctx.ts';
import { splitAmount } from './rules/split-amount.ts';

/** A text, and the workspace that pays for its vector. */
export interface PaidText {
  payer_id: string;
  /** In whose name; the workspace's owner. */
  user_id: string;
  text: string;
  /** Estimated. */
  tokens: number;
}

/** A workspace's part of a batch: its step in the ledger, and its texts' places in the batch. */
export interface Share<Text extends PaidText = PaidText> {
  payer_id: string;
  user_id: string;
  begin: BeginOp;
  grant: Grant;
  texts: Text[];
}

/** Reserves what the texts of each workspace will take; a workspace without quota left gets a grant that says so. */
export async function reserveEmbeddings<Text extends PaidText>(
  ctx: EmbeddingCtx,
  texts: Text[],
): Promise<Share<Text>[]> {
  const by_payer = [...Map.groupBy(texts, ({ payer_id }) => payer_id)];
  const wanted = by_payer.flatMap(([, own]) => {
    const [first] = own;
    if (!first) return [];
    const hash = createHash('sha256');
    for (const { text } of own) hash.update(`${text}\0`);
    const prompt_tokens = sumTokens(own);
    const input = { prompt_tokens, input_hash: hash.digest('hex'), limits: ctx.usage_limits };
    const { payer_id, user_id } = first;
    return [{ payer_id, user_id, texts: own, begin: beginStep(ctx.model, 'embed', input) }];
  });
  const reserve = async (tx: Tx, share: (typeof wanted)[number]): Promise<Share<Text>> => {
    const [grant] = await applyUsage<Grant>(tx, {
      user_id: share.user_id,
      workspace_id: share.payer_id,
      ops: [share.begin],
    });
    if (!grant) throw new Error('a step that was begun has no answer');
    return { ...share, grant };
  };
  return fromDb(() =>
    asSystem(ctx.db, 'chat.embed', (tx) => Promise.all(inOrder(wanted).map((share) => reserve(tx, share)))),
  );
}

const sumTokens = (texts: PaidText[]): number => texts.reduce((sum, { tokens }) => sum + tokens, 0);

/** Of two batches at once each locks the budgets in the same order. */
const inOrder = <Item extends { payer_id: string }>(items: Item[]): Item[] =>
  items.toSorted((a, b) => (a.payer_id < b.payer_id ? -1 : 1));

/** Settles the steps of `shares`, each with its part of what the calls took. `codeOf`: why a share got nothing; null: it got something. */
export async function settleEmbeddings<Text extends PaidText>(
  ctx: EmbeddingCtx,
  {
    shares,
    calls,
    latency_ms,
    codeOf,
  }: {
    shares: Share<Text>[];
    calls: TextCall<Text>[];
    latency_ms: number;
    codeOf: (share: Share<Text>) => string | null;
  },
): Promise<void> {
  const reports = divide(calls);
  const settle = (tx: Tx, share: Share<Text>): Promise<unknown> => {
    const code = codeOf(share);
    const op: SettleOp = settleStep(ctx.model, {
      step_id: share.begin.step_id,
      outcome: code === null ? 'done' : code === 'model.cancelled' ? 'cancelled' : 'failed',
      latency_ms,
      report: reports.get(share.payer_id) ?? null,
      ...(code !== null && { error_code: code }),
    });
    return applyUsage(tx, { user_id: share.user_id, workspace_id: share.payer_id, ops: [op] });
  };
  await fromDb(() =>
    asSystem(ctx.db, 'chat.embed', (tx) => Promise.all(inOrder(shares).map((share) => settle(tx, share)))),
  );
}

/** What each payer's texts took of the calls that they were in, by their tokens; a request is counted for whose texts most of it are. */
function divide<Text extends PaidText>(calls: TextCall<Text>[]): Map<string, ModelReport> {
  const reports = new Map<string, ModelReport>();
  for (const { report, items } of calls) {
    const parts = [...Map.groupBy(items, ({ payer_id }) => payer_id)]
      .map(([payer_id, own]) => ({ payer_id, tokens: sumTokens(own) }))
      .toSorted((a, b) => b.tokens - a.tokens);
    const usage = splitUsage(
      report.usage,
      parts.map(({ tokens }) => tokens),
    );
    for (const [n, { payer_id }] of parts.entries()) {
      const known = reports.get(payer_id);
      reports.set(payer_id, {
        ...report,
        usage: addUsage(usage[n] ?? NOTHING, known?.usage ?? NOTHING),
        calls: (known?.calls ?? 0) + (n === 0 ? report.calls : 0),
      });
    }
  }
  return reports;
}

const NOTHING: ModelUsage = { prompt_tokens: 0, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 };

const addUsage = (a: ModelUsage, b: ModelUsage): ModelUsage => ({
  prompt_tokens: a.prompt_tokens + b.prompt_tokens,
  output_tokens: a.output_tokens + b.output_tokens,
  thought_tokens: a.thought_tokens + b.thought_tokens,
  cached_tokens: a.cached_tokens + b.cached_tokens,
});

function splitUsage(usage: ModelUsage, weights: number[]): ModelUsage[] {
  const [prompt, output, thought, cached] = [
    splitAmount(usage.prompt_tokens, weights),
    splitAmount(usage.output_tokens, weights),
    splitAmount(usage.thought_tokens, weights),
    splitAmount(usage.cached_tokens, weights),
  ];
  return weights.map((_, n) => ({
    prompt_tokens: prompt[n] ?? 0,
    output_tokens: output[n] ?? 0,
    thought_tokens: thought[n] ?? 0,
    cached_tokens: cached[n] ?? 0,
  }));
}
