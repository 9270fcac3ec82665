import { AppError } from '@potentia/domain/platform/errors';
import type { HeldSession } from '../session/parts.ts';

/*
 * What is asked of WhatsApp at once, and has no queue to wait in. Whoever looks up numbers by the hundred, or puts strangers into groups,
 * loses the account as surely as by writing to them.
 */

/** Numbers that are looked up, changes of groups, people who are added to groups. */
const RULES = {
  numbers: { at_once: 100, per_hour: 200 },
  groups: { at_once: 20, per_hour: 60 },
  members: { at_once: 256, per_hour: 256 },
};
export type PacedKind = keyof typeof RULES;

const HOUR_MS = 3_600_000;

export class LivePace {
  /** When all that was taken will have been earned again, in ms since 1970. */
  readonly #even_at = new Map<PacedKind, number>();

  /** Throws AppError `limit` `whatsapp.too_fast`, and nothing is counted, when that is more than a person would. */
  take(kind: PacedKind, count: number, now_ms = Date.now()): void {
    const { at_once, per_hour } = RULES[kind];
    const even_at = Math.max(this.#even_at.get(kind) ?? 0, now_ms) + (count * HOUR_MS) / per_hour;
    const early_ms = even_at - now_ms - (at_once * HOUR_MS) / per_hour;
    if (early_ms > 0)
      throw new AppError('limit', 'whatsapp.too_fast', 'WhatsApp would not take this for a person any more.', {
        retry_after_ms: Math.ceil(early_ms),
      });
    this.#even_at.set(kind, even_at);
  }
}

const paces = new WeakMap<HeldSession, LivePace>();

/** That of a session, for as long as this process holds it. */
export function livePaceOf(held: HeldSession): LivePace {
  const known = paces.get(held) ?? new LivePace();
  paces.set(held, known);
  return known;
}
