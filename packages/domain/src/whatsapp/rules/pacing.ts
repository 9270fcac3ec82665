/*
 * How fast a session may send, and how many conversations it may begin. WhatsApp restricts accounts that write to many who
 * never wrote to them: what a person could do by hand is the measure.
 */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A full bucket is what may be sent at once after a pause: this share of a minute's messages. */
const BURST_SHARE = 1 / 6;

/** Messages that may be sent at once after a pause. */
export const burstOf = (messages_per_minute: number): number =>
  Math.max(1, Math.ceil(messages_per_minute * BURST_SHARE));

/** When the next message would be due if none were sent at once (ms); -Infinity: nothing was sent yet. */
export type Pace = number;
export const FRESH_PACE: Pace = -Infinity;

/** Milliseconds until a message may be sent; 0: now. */
export function paceWait(pace: Pace, now_ms: number, messages_per_minute: number): number {
  const interval_ms = MINUTE_MS / messages_per_minute;
  const slack_ms = (burstOf(messages_per_minute) - 1) * interval_ms;
  return Math.max(0, pace - slack_ms - now_ms);
}

/** The pace after a message that was let go at `now_ms`. In any span of t ms, at most burst + t / interval are let go. */
export function takePace(pace: Pace, now_ms: number, messages_per_minute: number): Pace {
  return Math.max(pace, now_ms) + MINUTE_MS / messages_per_minute;
}

/** The pace as if the message had not been let go. */
export const returnPace = (pace: Pace, messages_per_minute: number): Pace => pace - MINUTE_MS / messages_per_minute;

export interface ColdRules {
  cold_per_day: number;
  warm_up_days: number;
  /** Null: not known, which counts as just now. */
  linked_at: Date | null;
}

/**
 * Conversations that a session may begin in the UTC day of `now`: an even share more with each day since it was linked, until
 * all of `cold_per_day` after `warm_up_days`. At least 1 from the first day on, unless none is ever allowed.
 */
export function coldBudget({ cold_per_day, warm_up_days, linked_at }: ColdRules, now: Date): number {
  const age_ms = linked_at ? Math.max(0, now.getTime() - linked_at.getTime()) : 0;
  const days = Math.floor(age_ms / DAY_MS);
  if (days >= warm_up_days) return cold_per_day;
  return Math.min(cold_per_day, Math.max(1, Math.floor((cold_per_day * (days + 1)) / (warm_up_days + 1))));
}

/** Midnight UTC after `now`. */
export const nextUtcDay = (now: Date): Date =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));

export type HoldReason = 'restricted' | 'cold_budget';

export interface Conversation {
  /** The other end never wrote, and no message of ours was ever accepted. */
  is_new: boolean;
  /** An attempt was made before: it is in the budget already. */
  is_counted: boolean;
}

export interface ColdState extends ColdRules {
  /** Conversations begun in the UTC day of `now`. */
  cold_sent: number;
  /** WhatsApp lets this session begin none until then. */
  restricted_until: Date | null;
}

/** Why a message has to wait and until when; null: it may go, as far as new conversations are concerned. */
export function coldHold(
  { is_new, is_counted }: Conversation,
  state: ColdState,
  now: Date,
): { reason: HoldReason; until: Date } | null {
  if (!is_new) return null;
  if (state.restricted_until && state.restricted_until > now)
    return { reason: 'restricted', until: state.restricted_until };
  if (is_counted || state.cold_sent < coldBudget(state, now)) return null;
  return { reason: 'cold_budget', until: nextUtcDay(now) };
}
