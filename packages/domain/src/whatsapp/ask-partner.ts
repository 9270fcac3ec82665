import { readRun } from '../agent/read-run.ts';
import { startTurn, type StartedTurn } from '../agent/start-turn.ts';
import type { TurnCtx } from '../agent/turn-ctx.ts';
import type { TurnAnswer } from '../agent/turn-schemas.ts';
import { AppError } from '../platform/errors.ts';
import type { HeldTurn, PartnerCtx } from './partner-ctx.ts';
import { partnerAnswer } from './rules/partner-answer.ts';
import { type Locale, type PartnerLine, partnerLine, resetTime } from './rules/partner-lines.ts';
import { analyse } from '../chat/rules/analyse.ts';

/** What is said to a message, and what became of it. */
export interface PartnerReply {
  status: 'answered' | 'failed';
  error_code: string | null;
  run_id: string | null;
  texts: string[];
  /** Under which it is said, when one message answers several; by default it answers this one. */
  key?: string;
}

type Failure = NonNullable<TurnAnswer['error']>;

const QUOTA = 'usage.quota_exceeded';
/** Milliseconds for which a message waits for what is away; then it is told so. */
const GIVE_UP_MS = 900_000;
const MAX_WAIT_MS = 60_000;

/**
 * Has a message answered as in the app: the same message is the same turn, whichever process asks for it and how often. Throws `unavailable`
 * and `limit` while it is to be tried again; what it will not get over becomes a line that says so.
 */
export async function askPartner(ctx: PartnerCtx, held: HeldTurn): Promise<PartnerReply> {
  const { row, signal } = held;
  const person = personCtx(ctx, held);
  let turn: StartedTurn;
  try {
    const { content, workspace_id } = row;
    turn = await startTurn(person, { content, source: 'whatsapp', ...(workspace_id !== null && { workspace_id }) });
  } catch (error) {
    return refused(ctx, held, error);
  }
  const { run_id } = turn;
  let failure: Failure | null = null;
  for await (const { type, json } of turn.events({ after: 0, signal })) {
    failure = type === 'error' ? (JSON.parse(json) as Failure) : null;
  }
  signal.throwIfAborted();
  const answer = await readRun(person, { run_id });
  if (answer.status === 'running')
    throw new AppError('unavailable', 'turn.draining', 'Another process goes on with this answer.', {
      retry_after_ms: 1_000,
    });
  if (answer.status !== 'failed')
    return { status: 'answered', error_code: null, run_id, texts: partnerAnswer(answer, localeOf(held)) };
  return failed(ctx, held, run_id, failure ?? answer.error);
}

const personCtx = (ctx: PartnerCtx, { row }: HeldTurn): TurnCtx => ({
  ...ctx,
  db: ctx.person_db,
  actor: { type: 'user', user_id: row.user_id },
  idempotency_key: `whatsapp:${row.session_id}:${row.chat_id}:${row.message_id}`,
  request_id: row.request_id ?? ctx.request_id,
});

const localeOf = ({ row }: HeldTurn): Locale => row.locale ?? (analyse(row.content).language === 'id' ? 'id' : 'en');

/** The turn was not begun. */
function refused(ctx: PartnerCtx, held: HeldTurn, error: unknown): PartnerReply {
  if (!(error instanceof AppError)) throw error;
  const { kind, code, message, meta } = error;
  const { retry_after_ms = null, reset_at } = meta;
  const again = kind === 'unavailable' || (kind === 'limit' && code !== QUOTA);
  return failed(ctx, held, null, {
    ...{ code, detail: message },
    retry_after_ms: again ? (retry_after_ms ?? 1_000) : null,
    reset_at: typeof reset_at === 'string' ? reset_at : null,
  });
}

/** It has no answer, and gets none, or not yet. */
function failed(ctx: PartnerCtx, held: HeldTurn, run_id: string | null, failure: Failure | null): PartnerReply {
  const { code, detail, retry_after_ms, reset_at } = failure ?? UNKNOWN;
  const { row } = held;
  const is_away = code !== QUOTA && retry_after_ms !== null;
  if (is_away && ctx.clock().getTime() - Date.parse(row.created_at) < GIVE_UP_MS) {
    const wait_ms = Math.min(1_000 * 2 ** Math.min(row.attempts, 10), MAX_WAIT_MS);
    throw new AppError('unavailable', code, detail, { retry_after_ms: Math.max(retry_after_ms, wait_ms) });
  }
  const locale = localeOf(held);
  const say = (line: PartnerLine, what?: string): PartnerReply => ({
    ...{ status: 'failed', error_code: code, run_id },
    texts: [partnerLine(locale, line, what)],
  });
  if (code === QUOTA && reset_at !== null)
    return {
      ...say('quota', resetTime(locale, reset_at, row.time_zone)),
      // However much is written until then, it is said once.
      key: `quota:${row.session_id}:${row.user_id}:${reset_at}`,
    };
  if (code === 'turn.too_long') return say('too_long');
  return say(is_away || code === QUOTA ? 'away' : 'failed');
}

const UNKNOWN: Failure = {
  code: 'agent.interrupted',
  detail: 'It ended without a word.',
  retry_after_ms: 1_000,
  reset_at: null,
};

/** What is said where nothing else can be: something is wrong on our side, again and again. */
export const givenUp = (held: HeldTurn): PartnerReply => ({
  ...{ status: 'failed', error_code: 'whatsapp.turn_failed', run_id: null },
  texts: [partnerLine(localeOf(held), 'failed')],
});
