import { randomBytes, randomUUID } from 'node:crypto';
import { createLogger } from '@potentia/config/logger';
import { createDb, type Db } from '@potentia/db/client';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { readKeys } from '@potentia/db/wa/state-queries';
import type { EncryptionKey } from '@potentia/domain/platform/seal';
import { createKeySealer } from '../state/key-sealer.ts';
import { openSessionState, type SessionState, type StateCtx } from '../state/session-state.ts';

/** A database, and what it takes to open sessions in it. */
export interface TestStates extends AsyncDisposable {
  database: TestDatabase;
  /** As wa_user. */
  db: Db;
  keys: [EncryptionKey, ...EncryptionKey[]];
  ctx: StateCtx;
  /** A session that nobody has opened yet, unless one is named. */
  open(holder?: Partial<{ session_id: string; worker_id: string; generation: number }>): Promise<SessionState>;
  /** A durable value. */
  read(session_id: string, type: string, id: string): Promise<unknown>;
}

export async function startStates({ timeout_ms = 5_000 } = {}): Promise<TestStates> {
  const database = await createTestDatabase();
  const db = createDb({ url: database.wa_url, pool_size: 4, timeout_ms, prepare: true, application_name: 'test' });
  const keys: TestStates['keys'] = [{ kid: 'k1', key: randomBytes(32) }];
  const ctx: StateCtx = {
    db,
    log: createLogger({ service: 'test', level: 'silent' }),
    sealer: createKeySealer(keys),
  };
  return {
    ...{ database, db, keys, ctx },
    open: ({ session_id = randomUUID(), worker_id = randomUUID(), generation = 1 } = {}) =>
      openSessionState(ctx, { session_id, worker_id, generation }, null),
    async read(session_id, type, id) {
      const [row] = await readKeys(db, session_id, type, [id]);
      return row && ctx.sealer.open(row.value, row.kid, session_id, type, id);
    },
    async [Symbol.asyncDispose]() {
      await db.end();
      await database.drop();
    },
  };
}
