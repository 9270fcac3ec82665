import { createLogger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import type { Bus, BusMessage } from '../bus.ts';
import type { UserCtx } from '../ctx.ts';
import { newId } from '../uuid.ts';

/** A bus that keeps what was published, in order. */
export interface RecordedBus extends Bus {
  published: { channel: string; message: BusMessage }[];
}

export function recordBus(): RecordedBus {
  const published: RecordedBus['published'] = [];
  return { published, publish: (channel, message) => void published.push({ channel, message }) };
}

/** The context of a signed-in person, as a door makes it for one request. */
export function personCtx(db: Db, user_id: string, overrides: Partial<UserCtx> = {}): UserCtx {
  return {
    db,
    bus: recordBus(),
    log: createLogger({ service: 'test', level: 'silent' }),
    actor: { type: 'user', user_id },
    request_id: newId(),
    clock: () => new Date(),
    ...overrides,
  };
}
