import type { Logger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import type { Bus } from './bus.ts';

/** Who acts. A person through any door, or the system itself with the reason that audit rows will name. */
export type Actor = { type: 'user'; user_id: string } | { type: 'system'; reason: string };

/** What a verb needs of the world. Made once per request, frame or job in the app's `context.ts`. */
export interface Ctx {
  db: Db;
  bus: Bus;
  log: Logger;
  actor: Actor;
  /** The correlation id: in logs, audit rows, events, errors and the frames that other clients receive. */
  request_id: string;
  /** The client's `Idempotency-Key` (HTTP POST only); see `once` in `platform/idempotency.ts`. */
  idempotency_key?: string;
  clock: () => Date;
}

/** A context whose actor is a signed-in person. */
export type UserCtx = Ctx & { actor: Extract<Actor, { type: 'user' }> };
