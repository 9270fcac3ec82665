import type { PaceRow } from '@potentia/db/wa/outbox-queries';
import type { SessionSettings } from '@potentia/domain/whatsapp/schemas';
import {
  coldHold,
  type ColdState,
  type Conversation,
  FRESH_PACE,
  type HoldReason,
  nextUtcDay,
  type Pace,
  paceWait,
  returnPace,
  takePace,
} from '@potentia/domain/whatsapp/rules/pacing';

export interface PaceDefaults {
  messages_per_minute: number;
  cold_per_day: number;
  warm_up_days: number;
}

/** The pace of one session, as far as it is known to the process that holds it: nobody else sends. */
export class PaceKeeper {
  readonly #defaults: PaceDefaults;
  readonly #settings: () => SessionSettings;
  #pace: Pace = FRESH_PACE;
  #cold_sent = 0;
  #linked_at: Date | null = null;
  #day_ends_at = new Date(0);
  restricted_until: Date | null = null;

  constructor(defaults: PaceDefaults, settings: () => SessionSettings) {
    this.#defaults = defaults;
    this.#settings = settings;
  }

  /** Takes over what is stored. */
  load({ cold_sent, linked_at, restricted_until }: PaceRow, now: Date): void {
    this.#cold_sent = cold_sent;
    this.#day_ends_at = nextUtcDay(now);
    this.#linked_at = linked_at === null ? null : new Date(linked_at);
    this.restricted_until = restricted_until === null ? null : new Date(restricted_until);
  }

  get #per_minute(): number {
    return this.#settings().messages_per_minute ?? this.#defaults.messages_per_minute;
  }

  #coldState(now: Date): ColdState {
    if (now >= this.#day_ends_at) {
      this.#cold_sent = 0;
      this.#day_ends_at = nextUtcDay(now);
    }
    const { cold_per_day, warm_up_days } = { ...this.#defaults, ...this.#settings() };
    const { restricted_until } = this;
    return { cold_per_day, warm_up_days, linked_at: this.#linked_at, cold_sent: this.#cold_sent, restricted_until };
  }

  /** Why a message waits, and until when. Null: it may go, and a conversation that it begins is counted. */
  hold(conversation: Conversation, now: Date): { reason: HoldReason; until: Date } | null {
    const held = coldHold(conversation, this.#coldState(now), now);
    if (!held && conversation.is_new && !conversation.is_counted) this.#cold_sent += 1;
    return held;
  }

  /** The conversation was not begun after all. */
  returnCold(): void {
    this.#cold_sent = Math.max(0, this.#cold_sent - 1);
  }

  /** Takes the next slot, and says how long it is until then (ms). */
  takeSlot(now_ms: number): number {
    const wait_ms = paceWait(this.#pace, now_ms, this.#per_minute);
    this.#pace = takePace(this.#pace, now_ms + wait_ms, this.#per_minute);
    return wait_ms;
  }

  returnSlot(): void {
    this.#pace = returnPace(this.#pace, this.#per_minute);
  }
}
