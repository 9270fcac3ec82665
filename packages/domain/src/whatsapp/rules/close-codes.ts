import type { SessionStatus } from '../schemas.ts';

/*
 * What follows when WhatsApp, or the way there, closes a session's socket. The codes are those of Baileys' `DisconnectReason`, and the
 * reasons of `<failure>` as they are.
 */

/** What is known when a socket has closed. */
export interface ClosedSocket {
  /** Null: it failed without one. */
  code: number | null;
  /** The account is linked: its credentials are good for logging in. */
  is_linked: boolean;
  /** What was shown on this socket to link with. */
  had_code: 'qr' | 'pairing_code' | null;
  /** For 440, after a fresh look at the lease: whether this worker is still the owner. Null: the look failed. */
  is_owner: boolean | null;
  /** Attempts in a row that have failed before this one, since a session was last open for a while. */
  attempt: number;
  /** Times within the last hour that a session which was ours was replaced, this one not counted. */
  replaced: number;
}

export type CloseDecision =
  | { next: 'reconnect'; after_ms: number; reason: string }
  /** `forget`: WhatsApp has forgotten the device; its keys are worth nothing. */
  | { next: 'stop'; status: SessionStatus; reason: string; forget: boolean }
  /** Another worker's. Nothing is said about it: its owner does. */
  | { next: 'drop' };

/** Milliseconds of each policy: the first wait, and the longest. */
const LOST = { first_ms: 1_000, most_ms: 60_000 };
const REPLACED = { first_ms: 10_000, most_ms: 300_000 };
const REFUSED = { first_ms: 30_000, most_ms: 600_000 };
const TOO_MANY = { first_ms: 300_000, most_ms: 3_600_000 };
/** Sockets in a row that may ask to be restarted at once. */
const RESTARTS = 3;
/** Being replaced so often in an hour is a quarrel, and somebody has to end it. */
const QUARREL = 5;
/** Attempts in a row to link that may fail: nobody looks at the code any more. */
const PAIRING_ATTEMPTS = 5;

/** What stops a session. */
const STOPS: Record<number, { status: SessionStatus; reason: string; forget?: true }> = {
  401: { status: 'logged_out', reason: 'logged_out', forget: true },
  402: { status: 'banned', reason: 'temporarily_banned' },
  403: { status: 'banned', reason: 'forbidden' },
  405: { status: 'failed', reason: 'client_too_old' },
  406: { status: 'banned', reason: 'not_acceptable' },
  409: { status: 'failed', reason: 'client_refused' },
  411: { status: 'failed', reason: 'multi_device_missing' },
};

/** How the way there is lost; all of it passes. */
const PASSES: Record<number, string> = {
  408: 'timed_out',
  428: 'connection_lost',
  500: 'server_error',
  502: 'server_error',
  503: 'service_unavailable',
  504: 'server_error',
  515: 'restart_required',
};

/** The codes that have a meaning of their own, for labels that must stay few. */
export const known_close_codes: readonly number[] = [...Object.keys(STOPS), ...Object.keys(PASSES), 429, 440].map(
  Number,
);

/** `random` is uniform in [0, 1). `first_ms` is how long the first wait after a lost connection is; other waits follow from it. */
export function decideClose(
  closed: ClosedSocket,
  random: number,
  { first_ms = LOST.first_ms }: { first_ms?: number } = {},
): CloseDecision {
  const { code, attempt } = closed;
  const scale = first_ms / LOST.first_ms;
  const later = (policy: typeof LOST, exponent: number, reason: string): CloseDecision => ({
    next: 'reconnect',
    after_ms: backoff(policy, exponent, random) * scale,
    reason,
  });
  const stop = code === null ? undefined : STOPS[code];
  if (stop) return { next: 'stop', status: stop.status, reason: stop.reason, forget: stop.forget ?? false };
  if (code === 440) return decideReplaced(closed, later);
  if (code === 515 && attempt < RESTARTS) return { next: 'reconnect', after_ms: 0, reason: 'restart_required' };
  if (code === 408 && !closed.is_linked && closed.had_code !== null) return disconnected(`${closed.had_code}_expired`);
  if (!closed.is_linked && attempt >= PAIRING_ATTEMPTS - 1) return disconnected('pairing_failed');
  if (code === 429) return later(TOO_MANY, attempt, 'too_many_requests');
  if (code === null) return later(LOST, attempt, 'connection_lost');
  const passes = PASSES[code];
  return passes ? later(LOST, attempt, passes) : later(REFUSED, attempt, `refused_${code}`);
}

function decideReplaced(
  { is_owner, replaced, is_linked }: ClosedSocket,
  later: (policy: typeof LOST, exponent: number, reason: string) => CloseDecision,
): CloseDecision {
  if (is_owner === false) return { next: 'drop' };
  if (!is_linked) return disconnected('replaced');
  if (replaced >= QUARREL) return { next: 'stop', status: 'replaced', reason: 'replaced', forget: false };
  return later(REPLACED, replaced, 'replaced');
}

const disconnected = (reason: string): CloseDecision => ({
  next: 'stop',
  status: 'disconnected',
  reason,
  forget: false,
});

/** Doubles from `first_ms` to `most_ms`; half of it is left to chance, so that sessions that fell together do not rise together. */
const backoff = ({ first_ms, most_ms }: typeof LOST, exponent: number, random: number): number =>
  Math.round(Math.min(first_ms * 2 ** Math.min(exponent, 30), most_ms) * (0.5 + random / 2));
