import type { Db } from '@potentia/db/client';
import type { WhatsappTurnRow } from '@potentia/db/whatsapp/partner-queries';
import type { TurnCtx } from '../agent/turn-ctx.ts';
import type { Ctx } from '../platform/ctx.ts';
import type { Sealer } from '../platform/seal.ts';
import type { GatewayPorts } from './session-route.ts';

/** What is told of the partner on WhatsApp. */
export interface PartnerMetrics {
  /** A message of a linked person is over. `outcome`: answered, failed, dropped. Seconds since it came in. */
  turnEnded(turn: { outcome: string; seconds: number }): void;
  /** One waits for what is away, by why. */
  turnWaits(code: string): void;
}

/** What answering on WhatsApp needs of the world: that of a job, and that of a turn. */
export type PartnerCtx = Pick<Ctx, 'db' | 'bus' | 'log' | 'clock' | 'request_id'> &
  Omit<TurnCtx, 'db' | 'actor' | 'idempotency_key'> &
  GatewayPorts & {
    /** As app_user, as the person whose message it is. */
    person_db: Db;
    sealer: Sealer;
    partner_metrics: PartnerMetrics;
  };

/** A message that this process answers, for as long as its lease is kept. */
export interface HeldTurn {
  row: WhatsappTurnRow;
  owner: string;
  /** Fires when it is somebody else's. */
  signal: AbortSignal;
}
